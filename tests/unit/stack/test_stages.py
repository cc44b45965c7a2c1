"""The stage files of the reference site fit its template."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from django_offload.stack import stacks, template_of
from django_offload.stack.stage_environment import parse_secret_reference

ROOT = Path(__file__).resolve().parents[3]


def stage(name: str) -> dict[str, Any]:
    settings: dict[str, Any] = json.loads((ROOT / "infra" / f"{name}.json").read_text())
    return settings


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_a_stage_has_only_parameters_of_the_template_with_allowed_values(name: str) -> None:
    (stack,) = stacks()
    parameters = json.loads(template_of(stack, as_json=True))["Parameters"]

    values = stage(name)["parameters"]

    assert values
    for parameter, value in values.items():
        properties = parameters[parameter]
        assert str(value) in map(str, properties.get("AllowedValues", [value])), parameter
        assert re.fullmatch(properties.get("AllowedPattern", ".*"), value), parameter
        if "MinValue" in properties:
            assert properties["MinValue"] <= int(value) <= properties["MaxValue"], parameter


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_a_stage_has_references_to_its_own_secrets(name: str) -> None:
    secrets = stage(name)["secrets"]

    assert {"SECRET_KEY", "DATABASE_URL"} <= set(secrets)
    for reference in secrets.values():
        assert f"/{name}/" in parse_secret_reference(reference)[1]


def test_production_keeps_logs_longer_and_has_more_concurrency() -> None:
    dev, prod = stage("dev")["parameters"], stage("prod")["parameters"]

    for parameter in ("LogRetentionDays", "ConcurrencyDefault", "ConcurrencyReports", "ConcurrencyPhotos"):
        assert int(prod[parameter]) > int(dev[parameter])
