"""Options as TASKS would contain them, and templates built from them."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django_offload.conf import Options, QueueOptions
from django_offload.stack import build_template
from tests.unit.stack.evaluate import Evaluated

REPORTS = QueueOptions(
    timeout=timedelta(seconds=120),
    memory=1024,
    batch_size=5,
    batch_window=timedelta(seconds=2),
    max_concurrency=4,
)
QUEUES: Mapping[str, QueueOptions] = {"default": QueueOptions(), "reports": REPORTS}


def options(alias: str = "default", **changes: Any) -> Options:
    return Options(
        alias=alias, **{"stack": "shop-dev", "queues": QUEUES, "table": "shop-dev-tasks", **changes}
    )


def document(*several: Options, **arguments: Any) -> dict[str, Any]:
    """Return the template of `several` aliases as data, or of one alias by default."""
    text = build_template(several or [options()], as_json=True, settings_module="shop.settings", **arguments)
    template: dict[str, Any] = json.loads(text)
    return template


def evaluated(
    *several: Options, parameters: Mapping[str, object] | None = None, **arguments: Any
) -> Evaluated:
    """Return the template as CloudFormation evaluates it on AWS, with defaults for all other parameters."""
    return Evaluated(document(*several, **arguments), **(parameters or {}))


def properties(logical_id: str, *several: Options, **arguments: Any) -> dict[str, Any]:
    resource: dict[str, Any] = evaluated(*several, **arguments).resources[logical_id]["Properties"]
    return resource


def of_type(kind: str, *several: Options) -> dict[str, dict[str, Any]]:
    """Return the properties of every resource of a type, by logical id."""
    return evaluated(*several).of_type(kind)


def statements_of(role: Mapping[str, Any], *policies: str) -> list[dict[str, Any]]:
    """Return the statements of a role's inline policies, or of the named ones only."""
    return [
        statement
        for policy in role["Properties"]["Policies"]
        if not policies or policy["PolicyName"] in policies
        for statement in policy["PolicyDocument"]["Statement"]
    ]
