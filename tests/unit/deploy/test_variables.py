"""Warnings about variables that only the web side has."""

import pytest

from django_offload.deploy.errors import BadStage
from django_offload.deploy.variables import variable_warnings, web_variables
from django_offload.stack.stage_environment import StageEnvironment


def warnings_of(settings, **stage_environment):
    return [
        " ".join(problem)
        for problem in variable_warnings(settings, "dev", StageEnvironment(**stage_environment))
    ]


def test_missing_variables_are_named_with_the_lines_to_add_and_without_values():
    settings = {
        "environment_variables": {"OVEN": "hot", "STRIPE_KEY": "sk-1"},
        "aws_environment_variables": {"PYTHONPATH": "/var/task/src", "CACHE": "redis://cook:pw@cache/1"},
    }

    assert warnings_of(settings) == [
        "zappa_settings.json gives the web side of the stage 'dev' variables that its workers lack: CACHE, "
        'OVEN, STRIPE_KEY. Add those that tasks read to infra/dev.json: "environment": {"OVEN": "…"} and '
        '"secrets": {"CACHE": "ssm:/…/dev/cache", "STRIPE_KEY": "ssm:/…/dev/stripe-key"}.'
    ]


def test_variables_of_both_sides_cause_no_warning():
    settings = {
        "environment_variables": {"OVEN": "hot", "PLATES": 7},
        "aws_environment_variables": {"STRIPE_KEY": "sk-1", "TILL": "old"},
    }
    both = {"OVEN": "hot", "PLATES": "7", "TILL": "new"}

    assert warnings_of(settings, environment=both, secrets={"STRIPE_KEY": "ssm:/stripe"}) == []


@pytest.mark.parametrize(
    "stages", [{"environment": {"OVEN": "cold"}}, {"secrets": {"OVEN": "ssm:/pies/oven"}}]
)
def test_a_variable_that_differs_from_the_stages_file_causes_a_warning(stages):
    (warning,) = warnings_of({"environment_variables": {"OVEN": "hot"}}, **stages)

    assert warning.startswith("environment_variables of zappa_settings.json and infra/dev.json give the web")
    assert "different values: OVEN. Remove them in zappa_settings.json, because" in warning


def test_variables_that_a_function_cannot_have_cause_a_warning():
    given = {"AWS_REGION": "x", "PYTHONPATH": "/var/task/src", "AWS_STORAGE_BUCKET_NAME": "pies"}

    impossible, *_ = warnings_of(
        {"environment_variables": {"A": "x"}, "aws_environment_variables": given},
        environment={"AWS_STORAGE_BUCKET_NAME": "pies"},
    )

    assert "or whose names Lambda refuses: A, AWS_REGION. Remove them in zappa_settings.json." in impossible


def test_a_remote_env_causes_a_warning():
    (warning,) = warnings_of({"remote_env": "s3://pies/env.json"})

    assert "reads variables from remote_env, but its workers don't." in warning


def test_web_variables_leaves_out_reserved_and_invalid_names():
    given = {
        "PYTHONPATH": "src",
        "AWS_REGION": "x",
        "OFFLOAD_STACK": "x",
        "DJANGO_SETTINGS_MODULE": "x",
        "A": "x",
    }

    assert web_variables({"aws_environment_variables": given, "environment_variables": None}) == {}


@pytest.mark.parametrize("key", ["environment_variables", "aws_environment_variables"])
def test_a_variable_that_is_null_is_refused(key):
    with pytest.raises(BadStage, match=f"zappa_settings.json: 'OVEN' in '{key}' is null.*Give it a value"):
        warnings_of({key: {"OVEN": None}})


@pytest.mark.parametrize("key", ["environment_variables", "aws_environment_variables"])
def test_variables_that_are_not_an_object_are_refused(key):
    with pytest.raises(BadStage, match=f'zappa_settings.json.*\'{key}\' is not an object.*"NAME": "value"'):
        warnings_of({key: ["OVEN=hot"]})
