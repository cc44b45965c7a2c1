"""What the web side alone has, told by name, with the line to write."""

import pytest

from django_offload.deploy.errors import BadStage
from django_offload.deploy.variables import looks_secret, of_the_web, problems
from django_offload.stack.stage_environment import StageEnvironment


def told(settings, **surroundings):
    return [" ".join(problem) for problem in problems(settings, "dev", StageEnvironment(**surroundings))]


def test_what_workers_lack_is_told_by_name_with_the_lines_to_write_and_no_value():
    settings = {
        "environment_variables": {"OVEN": "hot", "STRIPE_KEY": "sk-1"},
        "aws_environment_variables": {"PYTHONPATH": "/var/task/src", "CACHE": "redis://cook:pw@cache/1"},
    }

    assert told(settings) == [
        "By zappa_settings.json the web side of the stage 'dev' has variables that its workers lack: CACHE, "
        'OVEN, STRIPE_KEY. Write those that tasks read into infra/dev.json: "environment": {"OVEN": "…"} and '
        '"secrets": {"CACHE": "ssm:/…/dev/cache", "STRIPE_KEY": "ssm:/…/dev/stripe-key"}.'
    ]


def test_what_both_have_is_not_told():
    settings = {
        "environment_variables": {"OVEN": "hot", "PLATES": 7},
        "aws_environment_variables": {"STRIPE_KEY": "sk-1", "TILL": "old"},
    }
    both = {"OVEN": "hot", "PLATES": "7", "TILL": "new"}

    assert told(settings, environment=both, secrets={"STRIPE_KEY": "ssm:/stripe"}) == []


@pytest.mark.parametrize(
    "stages", [{"environment": {"OVEN": "cold"}}, {"secrets": {"OVEN": "ssm:/pies/oven"}}]
)
def test_a_value_that_zappas_handler_would_put_over_the_stages_is_told(stages):
    (said,) = told({"environment_variables": {"OVEN": "hot"}}, **stages)

    assert "has values of its own, whatever infra/dev.json says: OVEN. Remove them there" in said


def test_variables_that_nobody_sees_here_are_told():
    (said,) = told({"remote_env": "s3://pies/env.json"})

    assert "reads variables from remote_env, and its workers do not." in said


def test_what_every_function_has_and_what_none_can_have_is_left_out():
    given = {
        "PYTHONPATH": "src",
        "AWS_REGION": "x",
        "OFFLOAD_STACK": "x",
        "DJANGO_SETTINGS_MODULE": "x",
        "A": "x",
    }

    assert of_the_web({"aws_environment_variables": given, "environment_variables": None}) == {}


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("STRIPE_KEY", "1", True),
        ("DB_PASSWORD", "1", True),
        ("DB_PWD", "1", True),
        ("google_credentials", "1", True),
        ("DATABASE_URL", "postgresql://shop:pw@db/shop", True),
        ("DATABASE_URL", "postgresql://shop:p/w@db/shop", True),
        ("DATABASE", "host=db password=pw", True),
        ("SIGNER", "-----BEGIN RSA PRIVATE KEY-----", True),
        ("SITE", "https://shop.example:8000/pies", False),
        ("DATABASE_URL", "postgresql://db/shop", False),
        ("ALLOWED_HOSTS", "shop.example", False),
    ],
)
def test_a_secret_is_known_by_its_name_or_its_value(name, value, secret):
    assert looks_secret(name, value) is secret


@pytest.mark.parametrize("key", ["environment_variables", "aws_environment_variables"])
def test_what_is_no_object_is_told_with_how_to_write_it(key):
    with pytest.raises(BadStage, match=f'zappa_settings.json.*\'{key}\' is no object.*"NAME": "value"'):
        told({key: ["OVEN=hot"]})
