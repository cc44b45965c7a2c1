"""The rules about security that `make check` holds: each finds what it is for, and nothing else."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.security import page_rules
from tests.architecture.security.__main__ import SENTENCES, findings, in_page, in_python, judge
from tests.architecture.security.allowed import ALLOWED
from tests.architecture.security.finding import Allowed, Finding
from tests.architecture.security.python_rules import RULES
from tests.architecture.security.samples import (
    FOUND,
    FOUND_BY_RUFF,
    LEFT_ALONE,
    PAGES_FOUND,
    PAGES_LEFT_ALONE,
)
from tests.architecture.sources import ROOT

VIEW = "django_app/django_offload/http/trigger.py"
OF_AWS = "django_app/django_offload/aws/clients.py"
PAGE = "django_app/lab/page"


def rules_of(found: list[Finding]) -> set[str]:
    return {one.rule for one in found}


def in_function(text: str) -> str:
    """Return a program inside a function, where it must be found too."""
    return "def view(request):\n    pass\n" + "\n".join(f"    {line}" for line in text.splitlines())


def test_every_rule_has_samples():
    assert FOUND.keys() == LEFT_ALONE.keys() == RULES.keys() | {"boto3", "noqa"}
    of_pages = {(rule, ".html") for rule in page_rules.TEMPLATE_RULES}
    assert PAGES_FOUND.keys() == of_pages | {(rule, ".js") for rule in page_rules.SCRIPT_RULES}
    assert SENTENCES.keys() == FOUND.keys() | {rule for rule, _ in PAGES_FOUND}


@pytest.mark.parametrize("rule", FOUND)
def test_a_rule_finds_its_samples_wherever_they_are(rule):
    for sample in FOUND[rule]:
        for text in (sample, in_function(sample)):
            assert rule in rules_of(list(in_python(text, VIEW))), text


@pytest.mark.parametrize("rule", LEFT_ALONE)
def test_a_rule_leaves_alone_what_only_looks_like_its_samples(rule):
    for sample in LEFT_ALONE[rule]:
        assert rule not in rules_of(list(in_python(sample, VIEW))), sample


@pytest.mark.parametrize(("rule", "ending"), PAGES_FOUND)
def test_a_rule_finds_its_samples_in_templates_and_scripts(rule, ending):
    for sample in PAGES_FOUND[rule, ending]:
        (found,) = in_page(f"\n{sample}\n", PAGE + ending)
        assert (found.rule, found.line, found.text) == (rule, 2, sample)


@pytest.mark.parametrize("ending", PAGES_LEFT_ALONE)
def test_no_rule_minds_text_in_templates_and_scripts(ending):
    for sample in PAGES_LEFT_ALONE[ending]:
        assert list(in_page(sample, PAGE + ending)) == [], sample


@pytest.mark.parametrize(
    ("ending", "before"),
    [
        (".js", "// What this is for."),
        (".js", "/* What this\n is for. */"),
        (".js", "fetch('*/*')"),
        (".html", "{# What this is for. #}"),
        (".html", "{#"),
        (".html", "{% comment %}\n{% endcomment %}"),
    ],
)
def test_a_comment_hides_nothing_but_itself(ending, before):
    samples = [sample for (_rule, of), found in PAGES_FOUND.items() if of == ending for sample in found]

    for sample in samples:
        assert list(in_page(f"{before}\n{sample}\n// #}} */", PAGE + ending)) != [], sample


def test_boto3_is_imported_inside_functions_of_its_rooms():
    assert list(in_python("def client():\n    import boto3", OF_AWS)) == []
    assert rules_of(list(in_python("import boto3", OF_AWS))) == {"boto3"}


def test_ruff_finds_what_our_rules_leave_to_it(tmp_path):
    for code, text in FOUND_BY_RUFF.items():
        (tmp_path / f"{code}.py").write_text(f"{text}\n")

    process = subprocess.run(
        [
            *(Path(sys.executable).parent / "ruff", "check", "--no-cache", "--output-format", "json"),
            *("--config", ROOT / "pyproject.toml", tmp_path),
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    found = {(Path(one["filename"]).stem, one["code"]) for one in json.loads(process.stdout)}
    assert {(code, code) for code in FOUND_BY_RUFF} - found == set()


def test_a_place_that_is_not_allowed_is_named_with_its_line():
    found = list(in_python("class View:\n    def get(self):\n        return getattr(self, name)", VIEW))

    assert judge(found, []) == [
        f"{VIEW}:3 View.get() reads an attribute with a computed name [attribute]: return getattr(self, name)"
    ]


def test_an_entry_allows_its_places_and_no_other():
    sample = "def get(name):\n    return getattr(1, name)\n\ndef put(name):\n    return getattr(2, name)"
    found = list(in_python(sample, VIEW))
    entry = Allowed(rule="attribute", path=VIEW, function="get", because="it is a test")

    (sentence,) = judge(found, [entry])

    assert sentence.startswith(f"{VIEW}:5 put() reads")


def test_an_entry_that_allows_too_much_is_named():
    entry = Allowed(rule="attribute", path=VIEW, function="get", times=2, because="it is a test")
    found = list(in_python("def get(name):\n    return getattr(1, name)", VIEW))

    assert judge(found, [entry]) == [
        f"{VIEW} get [attribute]: 1 more allowed than there are. Correct the allow list."
    ]
    assert judge(found, [Allowed(rule="attribute", path=VIEW, function="get", because="a")] * 2)[0] == (
        f"{VIEW} get [attribute]: 2 entries of the allow list name it. Write one."
    )


def test_every_rule_holds_and_every_entry_says_why():
    assert judge(findings(), ALLOWED) == []
    assert all(re.fullmatch(r"[A-Z].{15,}\.", one.because, re.IGNORECASE) for one in ALLOWED)


def test_make_check_holds_the_rules():
    assert 'python" -m tests.architecture.security\n' in (ROOT / ".ci" / "check").read_text()
