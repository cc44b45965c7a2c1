"""The stage files of the reference site: what they say is what its template asks for."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from django_offload.stack import stacks, template_of
from django_offload.stack.stage_environment import parse

ROOT = Path(__file__).resolve().parents[3]


def stage(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "infra" / f"{name}.json").read_text())
    return found


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_a_stage_gives_only_parameters_of_the_template_and_values_it_takes(name: str) -> None:
    (stack,) = stacks()
    known = json.loads(template_of(stack, as_json=True))["Parameters"]

    given = stage(name)["parameters"]

    assert given
    for parameter, value in given.items():
        said = known[parameter]
        assert str(value) in map(str, said.get("AllowedValues", [value])), parameter
        assert re.fullmatch(said.get("AllowedPattern", ".*"), value), parameter
        if "MinValue" in said:
            assert said["MinValue"] <= int(value) <= said["MaxValue"], parameter


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_a_stage_holds_references_to_secrets_of_its_own(name: str) -> None:
    secrets = stage(name)["secrets"]

    assert {"SECRET_KEY", "DATABASE_URL"} <= set(secrets)
    for reference in secrets.values():
        assert f"/{name}/" in parse(reference)[1]


def test_production_keeps_logs_longer_and_works_on_more_at_a_time() -> None:
    dev, prod = stage("dev")["parameters"], stage("prod")["parameters"]

    for parameter in ("LogRetentionDays", "ConcurrencyDefault", "ConcurrencyReports", "ConcurrencyPhotos"):
        assert int(prod[parameter]) > int(dev[parameter])
