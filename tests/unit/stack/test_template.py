"""The template as text."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from django_offload.conf import QueueOptions
from django_offload.conf.schedules import Recurrence
from django_offload.exceptions import ConfigurationError
from django_offload.stack import StageEnvironment, Vpc, build_template
from tests.unit.stack.examples import document, options

LARGE = options(
    queues={
        "default": QueueOptions(),
        "high-priority": QueueOptions(
            timeout=timedelta(seconds=900),
            memory=10_240,
            batch_size=10_000,
            batch_window=timedelta(seconds=300),
            pollers=(200, 10_000),
        ),
    },
)
VARIANTS = {
    "plain": [options()],
    "invoking, without a bucket": [options(transport="lambda", bucket=None)],
    "at the limits": [LARGE],
    "with everything": [
        options(
            history=True,
            outbox=True,
            schedules={
                "nightly": Recurrence(
                    task="shop.tasks.report", when="cron(0 3 * * ? *)", timezone="Europe/Zurich"
                ),
                "rates": Recurrence(task="shop.tasks.fetch", when="rate(15 minutes)"),
            },
        ),
        options("direct", transport="lambda"),
    ],
}
STAGE = StageEnvironment(
    environment={"OFFLOAD_STAGE": "dev"},
    secrets={"SECRET_KEY": "ssm:/shop/key", "TOKEN": "secretsmanager:shop/token"},
    vpc=Vpc(subnets=["subnet-0123456789abcdef0"], security_groups=["sg-0123456789abcdef0"]),
)


def test_the_head_says_how_the_text_was_generated() -> None:
    assert build_template([options()]).startswith(
        "# Generated from TASKS by: manage.py offload_template\n# Do not edit:"
    )


def test_the_same_options_give_the_same_text_in_another_process() -> None:
    program = """
from django_offload.stack import build_template
from tests.unit.stack.examples import options
print(build_template([options()], settings_module="x"), end="")
"""

    built = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert built.stdout == build_template([options()], settings_module="x")


def test_sections_are_in_the_order_of_awss_documentation() -> None:
    assert list(document()) == [
        "AWSTemplateFormatVersion",
        "Description",
        "Parameters",
        "Mappings",
        "Conditions",
        "Resources",
        "Outputs",
    ]


def test_the_settings_module_is_this_process_own_unless_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "blog.settings")

    assert "DJANGO_SETTINGS_MODULE: blog.settings\n" in build_template([options()])


def test_cfn_lint_finds_nothing(tmp_path: Path) -> None:
    for name, several in VARIANTS.items():
        stage_environment = STAGE if name == "with everything" else StageEnvironment()
        (tmp_path / f"{name}.yaml").write_text(build_template(several, stage_environment=stage_environment))

    # All files in one run, because starting cfn-lint takes most of the time.
    # E3717 knows 900 s as the longest timeout, which is no longer AWS's (seen on 2026-11-30).
    command = [
        *(Path(sys.executable).with_name("cfn-lint"), "--ignore-checks", "E3717"),
        *("--regions", "eu-central-1", "us-east-1", "--"),
    ]
    linted = subprocess.run(
        [*command, *tmp_path.iterdir()], capture_output=True, text=True, check=False, cwd=tmp_path
    )

    assert (linted.returncode, linted.stdout, linted.stderr) == (0, "", "")


def test_a_missing_troposphere_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "troposphere", None)

    with pytest.raises(ConfigurationError, match=r'Install it: pip install "django-offload\[deploy\]"\.'):
        build_template([options()])


def test_the_template_of_many_queues_is_within_cloudformations_limits() -> None:
    several = options(queues={f"queue-{number}": QueueOptions() for number in range(20)})

    found = document(several)

    # The limits of a template in S3, where one over 51,200 bytes must be:
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
    assert len(build_template([several]).encode()) < 1_000_000
    assert len(found["Resources"]) <= 500
    assert len(found["Parameters"]) <= 200
    assert json.loads(build_template([several], as_json=True))
