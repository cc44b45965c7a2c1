"""The files of stages, and the stack: its parameters, resources and outputs, from the built template."""

import ast
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any
from unittest import mock

from troposphere import Template

from django_offload.conf import Options, QueueOptions
from django_offload.conf.schedules import Recurrence
from django_offload.deploy import stage
from django_offload.stack import StageEnvironment, Vpc, build_template
from tests.docs.reference.entry import Entry
from tests.docs.reference.sentences import LIBRARY, comment_at, constants

STACK = "shop-dev"
# A stack with everything that a template may have: both ways to send, a schedule, the history, the outbox.
QUEUES = {"default": QueueOptions()}
ALIASES = [
    Options(
        alias="default",
        stack=STACK,
        queues=QUEUES,
        table=f"{STACK}-tasks",
        history=True,
        outbox=True,
        schedules={"nightly": Recurrence(task="reports.tasks.build_report", when="rate(1 day)")},
    ),
    Options(
        alias="fast", transport="lambda", stack=STACK, queues=QUEUES, table=f"{STACK}-tasks", history=True
    ),
]
STAGE = StageEnvironment(
    environment={"DEBUG": "0"},
    secrets={"SECRET_KEY": "ssm:/shop/dev/secret-key"},
    vpc=Vpc(subnets=["subnet-1"], security_groups=["sg-1"]),
)


def stage_keys() -> list[Entry]:
    path = Path(stage.__file__)
    (keys,) = [value for name, value, _ in constants(path) if name == "KEYS"]
    assert isinstance(keys, ast.Tuple)
    return [
        Entry(name=key.value, sentence=comment_at(path, key.lineno), place=f"{path.name}:{key.lineno}")
        for key in keys.elts
        if isinstance(key, ast.Constant)
    ]


@cache
def document() -> dict[str, Any]:
    """Return the template of a stack that has everything."""
    text = build_template(
        ALIASES,
        settings_module="shop.settings",
        stage_environment=STAGE,
        result_ttl=timedelta(0),
        as_json=True,
    )
    template: dict[str, Any] = json.loads(text)
    return template


def template_parameters() -> list[Entry]:
    return [
        Entry(
            name=name,
            facts=(f"`{properties['Default']}`" if properties.get("Default", "") != "" else "",),
            sentence=properties.get("Description", ""),
            place=f"stack/parameters.py, {name}",
        )
        for name, properties in document()["Parameters"].items()
    ]


def outputs() -> list[Entry]:
    return [
        Entry(name=name, sentence=output.get("Description", ""), place=f"stack/template.py, {name}")
        for name, output in document()["Outputs"].items()
    ]


@cache
def resources() -> list[Entry]:
    """Return an entry for each resource, with the comment above the call that adds it, or its description."""
    with noted() as places:
        template = document.__wrapped__()
    return [
        Entry(
            name=name,
            facts=(resource["Type"].removeprefix("AWS::"),),
            sentence=resource["Properties"].get("AlarmDescription") or places[name][0],
            place=places[name][1],
        )
        for name, resource in template["Resources"].items()
    ]


@contextmanager
def noted() -> Iterator[dict[str, tuple[str, str]]]:
    """Note for each resource the comment above the call that adds it, or above an outer call."""
    places: dict[str, tuple[str, str]] = {}
    add = Template.add_resource

    def add_resource(template: Any, resource: Any) -> Any:
        places[resource.title] = comment_of(sys._getframe(1))
        return add(template, resource)

    with mock.patch.object(Template, "add_resource", add_resource):
        yield places


def comment_of(frame: FrameType | None) -> tuple[str, str]:
    first = ""
    while frame is not None and frame.f_code.co_name.startswith("add_"):
        path = Path(frame.f_code.co_filename)
        first = first or f"{path.relative_to(LIBRARY)}:{frame.f_lineno}"
        if comment := comment_at(path, frame.f_lineno):
            return comment, first
        frame = frame.f_back
    return "", first
