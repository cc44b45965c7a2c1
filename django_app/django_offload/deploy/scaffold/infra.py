"""What is deployed, as files of the project: the stack's template, and what each stage adds to it."""

import json
import os
from collections.abc import Mapping
from typing import Any

from ...stack import template_of
from ...stack.layout import Layout
from ...stack.parameters import RUNTIME
from ..variables import looks_secret, of_the_web
from ..zappa_settings import extended
from .changes import Change, read
from .runtime import runtime
from .zappa import REGION, stages_of

# Each with the parameters of the template that usually differ.
STAGES = {"dev": {"LogRetentionDays": "7"}, "prod": {"LogRetentionDays": "90"}}
# How a template begins that the command made, and may make again.
GENERATED = "# Generated from TASKS"


def infra(layout: Layout, stack: str) -> list[Change]:
    """
    Return the files of infra/. A stage's file that is there stays as it is.

    A site that Zappa deploys already has its stages, regions and networks; others get two stages.
    """
    known = stages_of(layout)
    fresh = {
        name: _fresh(STAGES.get(name, {}), extended(known, name) if known else {}) for name in known or STAGES
    }
    return [_template(layout, stack), *(_stage(layout, name, said) for name, said in fresh.items())]


def _template(layout: Layout, stack: str) -> Change:
    path = layout.root / "infra" / "template.yaml"
    before = read(path)
    return Change(
        path=path,
        before=before,
        after=template_of(stack),
        ours=before is not None and before.startswith(GENERATED),
    )


def _stage(layout: Layout, stage: str, fresh: dict[str, object]) -> Change:
    path = layout.root / "infra" / f"{stage}.json"
    before = read(path)
    after = json.dumps(fresh, indent=4) + "\n" if before is None else before
    return Change(path=path, before=before, after=after)


def _fresh(parameters: Mapping[str, str], zappas: Mapping[str, Any]) -> dict[str, object]:
    """Return a stage for the workers, as far as Zappa's own settings describe the web side."""
    variables = of_the_web(zappas)
    network = zappas.get("vpc_config") or {}
    vpc = {"subnets": network.get("SubnetIds", []), "security_groups": network.get("SecurityGroupIds", [])}
    return {
        "region": zappas.get("aws_region") or os.environ.get("AWS_DEFAULT_REGION", REGION),
        "parameters": {**parameters, RUNTIME: runtime(zappas)},
        "environment": {name: value for name, value in variables.items() if not looks_secret(name, value)},
        "secrets": {},
        "vpc": vpc if network else None,
        "include": [],
    }
