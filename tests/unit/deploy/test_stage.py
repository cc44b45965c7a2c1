"""The file of a stage."""

import json
from pathlib import Path
from typing import Any

import pytest

from django_offload.deploy.errors import BadStage
from django_offload.deploy.stage import read_stage
from django_offload.exceptions import ConfigurationError
from django_offload.stack.stage_environment import Vpc


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
        ({"vpc": {"subnet": "subnet-1"}}, "'vpc' is neither null nor complete. Give it"),
    ],
)
def test_an_invalid_file_is_named_with_what_to_do(
    tmp_path: Path, content: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadStage) as caught:
        read_stage(write_stage(tmp_path, **content), "dev")

    assert str(caught.value).startswith(f"{tmp_path}/infra/dev.json: {message}")


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
