"""What is deployed, as files of the project: the stack's template, and what each stage adds to it."""

import json
import os

from ..stack import template_of
from ..stack.layout import Layout
from .changes import Change, read

# Each with the parameters of the template that usually differ.
STAGES = {"dev": {"LogRetentionDays": "7"}, "prod": {"LogRetentionDays": "90"}}
REGION = "us-east-1"
# How a template begins that the command made, and may make again.
GENERATED = "# Generated from TASKS"


def infra(layout: Layout, stack: str) -> list[Change]:
    """Return the files of infra/. A stage's file that is there stays as it is."""
    return [_template(layout, stack), *(_stage(layout, stage) for stage in STAGES)]


def _template(layout: Layout, stack: str) -> Change:
    path = layout.root / "infra" / "template.yaml"
    before = read(path)
    return Change(
        path=path,
        before=before,
        after=template_of(stack),
        ours=before is not None and before.startswith(GENERATED),
    )


def _stage(layout: Layout, stage: str) -> Change:
    path = layout.root / "infra" / f"{stage}.json"
    before = read(path)
    region = os.environ.get("AWS_DEFAULT_REGION", REGION)
    fresh: dict[str, object] = {
        "region": region,
        "parameters": STAGES[stage],
        "environment": {},
        "secrets": {},
        "vpc": None,
    }
    after = json.dumps(fresh, indent=4) + "\n" if before is None else before
    return Change(path=path, before=before, after=after)
