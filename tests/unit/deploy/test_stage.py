"""What a stage's file says."""

import json
from pathlib import Path
from typing import Any

import pytest

from django_offload.deploy.errors import BadStage
from django_offload.deploy.stage import read
from django_offload.exceptions import ConfigurationError
from django_offload.stack.stage_environment import Vpc


def written(root: Path, **given: Any) -> Path:
    (root / "infra").mkdir(exist_ok=True)
    (root / "infra" / "dev.json").write_text(json.dumps(given))
    return root


def test_everything_is_read(tmp_path: Path) -> None:
    root = written(
        tmp_path,
        region="eu-central-1",
        parameters={"LogRetentionDays": 7, "Architecture": "arm64", "Runtime": "python3.12"},
        environment={"ALLOWED_HOSTS": "shop.example"},
        secrets={"SECRET_KEY": "ssm:/shop/key"},
        vpc={"subnets": ["subnet-1"], "security_groups": ["sg-1"]},
    )

    stage = read(root, "dev")

    assert (stage.stack, stage.region) == ("lab-dev", "eu-central-1")
    assert (stage.architecture, stage.runtime) == ("arm64", "python3.12")
    assert stage.parameters["LogRetentionDays"] == "7"
    # Settings learn on Lambda, too, which stage they are of.
    assert stage.surroundings.environment == {"OFFLOAD_STAGE": "dev", "ALLOWED_HOSTS": "shop.example"}
    assert stage.surroundings.secrets == {"SECRET_KEY": "ssm:/shop/key"}
    assert stage.surroundings.vpc == Vpc(subnets=("subnet-1",), security_groups=("sg-1",))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"regoin": "us-east-1"}, "It has the unknown key 'regoin'. Known are: region, parameters"),
        ({"secrets": ["SECRET_KEY"]}, "'secrets' is no object. Write"),
        (
            {"parameters": {"Runtime": "python3.11"}},
            "Among its parameters 'Runtime' is 'python3.11'. It can be: python3.12, python3.13.",
        ),
        (
            {"parameters": {"Architecture": "arm"}},
            "Among its parameters 'Architecture' is 'arm'. It can be: x86_64, arm64.",
        ),
        ({"include": "shop/*.pem"}, "'include' is no list. Write patterns"),
        ({"vpc": {"subnet": "subnet-1"}}, "'vpc' is neither null nor complete. Give it"),
    ],
)
def test_what_is_wrong_names_the_file_and_what_to_do(
    tmp_path: Path, given: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadStage) as caught:
        read(written(tmp_path, **given), "dev")

    assert str(caught.value).startswith(f"{tmp_path}/infra/dev.json: {said}")


def test_where_a_stage_does_not_say_it_runs_on_the_newest_python_and_on_intels(tmp_path: Path) -> None:
    stage = read(written(tmp_path), "dev")

    assert (stage.architecture, stage.runtime) == ("x86_64", "python3.13")


def test_a_value_in_the_place_of_a_reference_is_refused_and_not_shown(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="'SECRET_KEY' of the stage doesn't say where") as caught:
        read(written(tmp_path, secrets={"SECRET_KEY": "correct-horse"}), "dev")

    assert "correct-horse" not in str(caught.value)


def test_a_stage_without_a_file_says_what_writes_one(tmp_path: Path) -> None:
    with pytest.raises(BadStage, match=r"infra/qa\.json: It cannot be read .*offload_init writes it"):
        read(tmp_path, "qa")
