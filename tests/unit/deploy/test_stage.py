"""The file of a stage."""

import json
from pathlib import Path
from typing import Any

import pytest

from django_offload.deploy.errors import BadStage
from django_offload.deploy.stage import read_stage
from django_offload.exceptions import ConfigurationError
from django_offload.stack.stage_environment import Vpc, parse_secret_reference


def write_stage(root: Path, **content: Any) -> Path:
    (root / "infra").mkdir(exist_ok=True)
    (root / "infra" / "dev.json").write_text(json.dumps(content))
    return root


def test_read_stage_reads_every_key(tmp_path: Path) -> None:
    root = write_stage(
        tmp_path,
        region="eu-central-1",
        parameters={"LogRetentionDays": 7, "Architecture": "arm64", "Runtime": "python3.12"},
        environment={"ALLOWED_HOSTS": "shop.example"},
        secrets={"SECRET_KEY": "ssm:/shop/key"},
        vpc={"subnets": ["subnet-1"], "security_groups": ["sg-1"]},
    )

    stage = read_stage(root, "dev")

    assert (stage.stack, stage.region) == ("lab-dev", "eu-central-1")
    assert (stage.architecture, stage.runtime) == ("arm64", "python3.12")
    assert stage.parameters["LogRetentionDays"] == "7"
    # On Lambda the settings read the stage's name too.
    assert stage.stage_environment.environment == {"OFFLOAD_STAGE": "dev", "ALLOWED_HOSTS": "shop.example"}
    assert stage.stage_environment.secrets == {"SECRET_KEY": "ssm:/shop/key"}
    assert stage.stage_environment.vpc == Vpc(subnets=("subnet-1",), security_groups=("sg-1",))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"regoin": "us-east-1"}, "The key 'regoin' is unknown. Use only: region, parameters"),
        ({"secrets": ["SECRET_KEY"]}, "'secrets' is not an object. Write"),
        (
            {"parameters": {"Runtime": "python3.11"}},
            "The parameter 'Runtime' is 'python3.11'. Use one of: python3.12, python3.13.",
        ),
        (
            {"parameters": {"Architecture": "arm"}},
            "The parameter 'Architecture' is 'arm'. Use one of: x86_64, arm64.",
        ),
        ({"include": "shop/*.pem"}, "'include' is not a list. Write patterns"),
        ({"include": ["shop/*.pem", None]}, "'include' is not a list. Write patterns"),
        ({"region": 7}, "'region' is not text. Write it as in"),
        ({"vpc": {"subnets": "subnet-1", "security_groups": []}}, "'vpc' is neither null nor complete. Give"),
        (
            {"environment": {"HOST": None}},
            "'HOST' in 'environment' is null, which a variable can't be. Give it",
        ),
        (
            {"secrets": {"KEY": None}},
            "'KEY' in 'secrets' is null, which a variable can't be. Give it a value",
        ),
        ({"environment": {"HOST": "a\0b"}}, "'HOST' in 'environment' has a null character or half a"),
        ({"environment": {"HOST": "a\ud800"}}, "'HOST' in 'environment' has a null character or half a"),
        ({"parameters": {"AlarmEmail": None}}, "'AlarmEmail' in 'parameters' is null"),
        ({"parameters": {"AlarmEmail": {}}}, "'AlarmEmail' in 'parameters' is an object. Give it a text"),
        ({"vpc": {"subnet": "subnet-1"}}, "'vpc' is neither null nor complete. Give it"),
    ],
)
def test_an_invalid_file_is_named_with_what_to_do(
    tmp_path: Path, content: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadStage) as caught:
        read_stage(write_stage(tmp_path, **content), "dev")

    assert str(caught.value).startswith(f"{tmp_path}/infra/dev.json: {message}")


def test_values_become_the_texts_that_variables_and_parameters_are(tmp_path: Path) -> None:
    given = {"PLATES": 7, "HOT": True, "HOSTS": ["a.example", "b.example"], "EMPTY": ""}

    stage = read_stage(
        write_stage(tmp_path, environment=given, parameters={"WorkerPolicies": ["arn:a", "arn:b"]}), "dev"
    )

    assert stage.stage_environment.environment == {
        "OFFLOAD_STAGE": "dev",
        "PLATES": "7",
        "HOT": "true",
        "EMPTY": "",
        "HOSTS": '["a.example", "b.example"]',
    }
    assert stage.parameters == {"WorkerPolicies": "arn:a,arn:b"}


@pytest.mark.parametrize("where", ["environment", "secrets"])
def test_only_the_names_that_lambda_and_the_stack_set_are_refused(tmp_path: Path, where: str) -> None:
    free = [
        "AWS_STORAGE_BUCKET_NAME",
        "AWS_S3_CUSTOM_DOMAIN",
        "AWS_LAMBDA_EXEC_WRAPPER",
        "LAMBDA_LIMIT",
        "TZ",
    ]

    stage = read_stage(write_stage(tmp_path, **{where: dict.fromkeys(free, "ssm:/x")}), "dev")

    assert set(getattr(stage.stage_environment, where)) - {"OFFLOAD_STAGE"} == set(free)
    # https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
    for name in (
        *("_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV"),
        *("AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION"),
        *("AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME"),
        *("AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
        *("AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR"),
    ):
        with pytest.raises(
            ConfigurationError, match=f"sets the variable '{name}', which functions can't have"
        ):
            read_stage(write_stage(tmp_path, **{where: {name: "ssm:/x"}}), "dev")


ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds!db-1a2b-AbCdEf"


@pytest.mark.parametrize(
    ("reference", "secret"),
    [
        ("secretsmanager:rds!db-1a2b3c4d-5e6f", "rds!db-1a2b3c4d-5e6f"),
        ("secretsmanager:rds!db-1a2b:password", "rds!db-1a2b"),
        ("secretsmanager:rds!db-1a2b:password::", "rds!db-1a2b"),
        ("secretsmanager:shop/db:SecretString:a password", "shop/db"),
        (f"secretsmanager:{ARN}", ARN),
        (f"secretsmanager:{ARN}:password", ARN),
    ],
)
def test_secrets_of_rds_and_keys_of_json_objects_can_be_named(
    tmp_path: Path, reference: str, secret: str
) -> None:
    stage = read_stage(write_stage(tmp_path, secrets={"DB_PASSWORD": reference}), "dev")

    assert stage.stage_environment.secrets == {"DB_PASSWORD": reference}
    assert parse_secret_reference(reference) == ("secretsmanager", secret)


@pytest.mark.parametrize(
    "reference",
    [
        "secretsmanager:shop:key:AWSPREVIOUS:",
        "secretsmanager:",
        "ssm:/shop!",
        "secretsmanager:a b",
        "ssm:/a:b",
    ],
)
def test_other_forms_of_references_are_refused(tmp_path: Path, reference: str) -> None:
    with pytest.raises(ConfigurationError, match=r"'secretsmanager:name:key'\. Never give the value itself"):
        read_stage(write_stage(tmp_path, secrets={"KEY": reference}), "dev")


def test_the_defaults_are_the_newest_python_and_x86_64(tmp_path: Path) -> None:
    stage = read_stage(write_stage(tmp_path), "dev")

    assert (stage.architecture, stage.runtime) == ("x86_64", "python3.13")


def test_a_secrets_value_is_refused_and_not_shown(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="'SECRET_KEY' of the stage doesn't say where") as caught:
        read_stage(write_stage(tmp_path, secrets={"SECRET_KEY": "correct-horse"}), "dev")

    assert "correct-horse" not in str(caught.value)


def test_a_missing_file_is_reported_with_the_command_that_creates_it(tmp_path: Path) -> None:
    with pytest.raises(
        BadStage, match=r"infra/qa\.json: It cannot be read .*Create it with manage.py offload_init"
    ):
        read_stage(tmp_path, "qa")
