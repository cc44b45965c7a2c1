# Two commands on a fresh machine: make demo, make test. Everything else: make help.
PORT ?= 8000
TASKS ?= 1000000
INPUTS ?= 1000000
STAGE ?= dev
ARCHITECTURE ?= x86_64
SBOM ?= build/sbom.json
RUN := PYTHONPATH=django_app:. DJANGO_SETTINGS_MODULE=config.settings
MAKEFLAGS += --no-print-directory

.PHONY: help demo test test-all torture unique mutants fuzz kills schedule-times bench cold-start modules-entered reference openapi schemathesis docs screenshot screenshots package check audit sbom format lock clean .venv .venv-3.12 .venv-5.2 .venv-6.0 .venv-wagtail .venv-bench .venv-docs .venv-audit .venv-schemathesis

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' Makefile

demo: ## Start the reference site, with AWS on this machine, on http://127.0.0.1:8000 (another port: PORT=8001)
	@folder=$$(.ci/demo-environment) && exec env $(RUN) "$$folder/bin/python" -m lab.demo --port $(PORT)

test: .venv .venv-5.2 .venv-6.0 ## Run all tests, and those that can differ on Django 5.2 and 6.0 (SEED= repeats an order)
	@$(RUN) .ci/test

test-all: .venv .venv-3.12 .venv-5.2 .venv-6.0 .venv-wagtail ## Run all tests on Python 3.12 and 3.13, and on each Django
	@$(RUN) .ci/test all

torture: .venv ## Prove that nothing is lost: a million tasks with every fault (SEED= replays, TASKS= for fewer)
	@$(RUN) .venv/bin/python -m tests.simulation.torture --tasks $(TASKS) $(if $(SEED),--seed $(SEED))

unique: .venv ## Prove that unique tasks never run beside each other: 100,000 enqueues (SEED= replays, ENQUEUES= for fewer)
	@$(RUN) .venv/bin/python -m tests.simulation.unique_proof $(if $(ENQUEUES),--enqueues $(ENQUEUES)) $(if $(SEED),--seed $(SEED))

mutants: .venv ## Plant every mutant into the protocol, each condition of each transition taken away, and print what finds it
	@$(RUN) .venv/bin/python -m tests.simulation.mutants.report

kills: .venv ## Kill real workers while they work, 100 times over 1,000 tasks: nothing lost, nothing twice, in 2 minutes
	@$(RUN) .venv/bin/python -m tests.reliability.kills --within 120

schedule-times: .venv ## Hold the times of 1,000 schedules in 8 zones over 2 years against a cron library (SEED= replays)
	@$(RUN) .venv/bin/python -m tests.unit.conf.schedule_comparison $(if $(SEED),--seed $(SEED))

fuzz: .venv ## Try 1,000,000 inputs, and every forgery of a message (SEED= replays, INPUTS= for fewer)
	@$(RUN) .venv/bin/python -m tests.security.fuzz --inputs $(INPUTS) $(if $(SEED),--seed $(SEED))

bench: .venv .venv-bench ## Measure against raw boto3, Celery and others, and write BENCHMARKS.md (QUICK=1: a look, to the terminal)
	@CHROMIUM=$$(.ci/browser) && NODE_PACKAGES=$$(.ci/node-packages) && export CHROMIUM NODE_PACKAGES && \
		$(RUN) .venv/bin/python -m tests.benchmarks $(if $(QUICK),--quick) $(SECTIONS)

cold-start: .venv .venv-5.2 .venv-6.0 ## Measure the start of a worker on Django 5.2, 6.0 and 6.1
	@$(RUN) .venv/bin/python -m tests.versions.cold_start

modules-entered: .venv ## Count the modules that one warm enqueue() and one warm delivery enter
	@$(RUN) .venv/bin/python -m tests.benchmarks.modules_entered

reference: .venv ## Write the reference's tables from the code
	@$(RUN) .venv/bin/python -m tests.docs.reference

openapi: .venv ## Write the OpenAPI document of the pages, django_app/docs/reference/openapi.json, from the code
	@$(RUN) .venv/bin/python django_app/manage.py offload_openapi --urlconf tests.openapi.site --output django_app/docs/reference/openapi.json

schemathesis: .venv .venv-schemathesis ## Hold a served site against its OpenAPI document, with every check of schemathesis (ARGS="--seed 1")
	@$(RUN) .venv/bin/python -m tests.openapi $(ARGS)

docs: reference .venv-docs ## Build the pages into a site, build/docs, which any static host serves
	@.venv-docs/bin/python .ci/docs/build.py build/docs

screenshot: .venv ## Draw the first page for README.md, both ways measured, into django_app/docs/first-page.png
	@CHROMIUM=$$(.ci/browser) && export CHROMIUM && $(RUN) .venv/bin/python -m tests.browser.screenshot

screenshots: .venv ## Draw every page, wide and narrow, light and dark, into .cache/screens (another folder: INTO=)
	@CHROMIUM=$$(.ci/browser) && export CHROMIUM && $(RUN) .venv/bin/python -m tests.browser.screenshots $(if $(INTO),--into $(INTO))

package: .venv ## Build the one zip that web and workers run from (STAGE=dev, ARCHITECTURE=x86_64 or arm64)
	@$(RUN) .venv/bin/python django_app/manage.py offload_package --stage $(STAGE) --architecture $(ARCHITECTURE)

check: .venv ## Check format, lint, types, layers, the CloudFormation template and the site of the pages
	@$(RUN) .ci/check

audit: .venv-audit ## Ask PyPI for known vulnerabilities of every locked package; fails unless it answered about each
	@.venv-audit/bin/python .ci/audit/audit.py

sbom: .venv-audit ## Write what is deployed, package by package, as CycloneDX into build/sbom.json (another file: SBOM=)
	@.venv-audit/bin/python .ci/audit/sbom.py $(SBOM)

format: .venv ## Format the code and fix what the linter can
	@.venv/bin/ruff format --quiet . && .venv/bin/ruff check --quiet --fix .

lock: ## Write requirements.lock from requirements.in
	@.ci/lock

clean: ## Remove environments, caches, built files and the local site's data
	@rm -rf .venv .venv-3.* .venv-5.2 .venv-6.0 .venv-wagtail .venv-lock .venv-checkov .venv-bench .venv-docs .venv-audit .venv-schemathesis .offload .cache .pytest_cache .mypy_cache .ruff_cache .import_linter_cache \
		.hypothesis build dist django_app/*.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv:
	@.ci/environment 3.13 .venv

.venv-3.12:
	@.ci/environment 3.12 .venv-3.12

.venv-docs:
	@.ci/environment 3.13 .venv-docs .ci/docs/requirements.lock

.venv-audit:
	@.ci/environment 3.13 .venv-audit .ci/audit/requirements.lock

.venv-schemathesis:
	@.ci/environment 3.13 .venv-schemathesis .ci/schemathesis.lock

.venv-5.2:
	@.ci/environment 3.12 .venv-5.2 tests/versions/django-5.2.lock

.venv-6.0:
	@.ci/environment 3.13 .venv-6.0 tests/versions/django-6.0.lock

.venv-wagtail:
	@.ci/environment 3.13 .venv-wagtail tests/versions/wagtail.lock

.venv-bench:
	@.ci/environment 3.13 .venv-bench tests/benchmarks/requirements.lock
