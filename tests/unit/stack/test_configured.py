"""The stacks of TASKS, and what the project's tasks need from them."""

import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from django.test import override_settings

from django_offload import task
from django_offload.compat import TASKS
from django_offload.definition.registry import Registry
from django_offload.stack import configured, stacks, template_of

TASKS = {
    "default": {
        "BACKEND": "django_offload.backends.SQSBackend",
        "QUEUES": ["default", "reports"],
        "OPTIONS": {"stack": "shop-dev"},
    },
    "direct": {
        "BACKEND": "django_offload.backends.LambdaBackend",
        "QUEUES": ["default"],
        "OPTIONS": {"stack": "shop-dev"},
    },
    "mail": {"BACKEND": "django_offload.backends.SQSBackend", "OPTIONS": {"stack": "mail-dev"}},
    "now": {"BACKEND": f"{TASKS}.backends.immediate.ImmediateBackend"},
}


def work() -> None:
    """Do nothing. A task needs some function."""


@pytest.fixture
def defines(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that sets which tasks the project defines."""

    def define(**tasks: Any) -> None:
        modules = []
        for name, one in tasks.items():
            modules.append(module := ModuleType(name))
            setattr(module, name, one)
        monkeypatch.setattr(configured, "registry", lambda: Registry(modules))

    return define


def resource(stack: str, logical_id: str) -> dict[str, Any]:
    template = json.loads(template_of(stack, as_json=True))
    properties: dict[str, Any] = template["Resources"][logical_id]["Properties"]
    return properties


@override_settings(TASKS=TASKS)
def test_aliases_are_grouped_by_stack_without_other_backends() -> None:
    aliases = {stack: [options.alias for options in several] for stack, several in stacks().items()}

    assert aliases == {"shop-dev": ["default", "direct"], "mail-dev": ["mail"]}


@override_settings(TASKS=TASKS)
def test_the_largest_attempts_of_a_queues_tasks_raise_its_receives(defines: Callable[..., None]) -> None:
    defines(
        few=task(max_attempts=5, name="few")(work),
        many=task(max_attempts=20, name="many")(work),
        plain=task(queue_name="reports", name="plain")(work),
    )

    receives = {
        name: resource("shop-dev", name)["RedrivePolicy"]["maxReceiveCount"]
        for name in ("QueueDefault", "QueueReports")
    }

    assert receives == {"QueueDefault": 30, "QueueReports": 13}


@override_settings(TASKS=TASKS)
def test_the_longest_result_of_a_task_keeps_payloads(defines: Callable[..., None]) -> None:
    defines(kept=task(result_ttl=200 * 86_400)(work))

    rules = resource("shop-dev", "PayloadBucket")["LifecycleConfiguration"]["Rules"]

    assert rules[0]["ExpirationInDays"] == 208


@override_settings(TASKS=TASKS)
def test_workers_may_invoke_functions_if_an_alias_of_their_stack_does(
    defines: Callable[..., None],
) -> None:
    defines()

    assert "lambda:InvokeFunction" in template_of("shop-dev")
    # The schedule's permission, and the sweeper that invokes itself.
    assert template_of("mail-dev").count("lambda:InvokeFunction") == 2


@override_settings(TASKS=TASKS)
def test_a_stack_that_no_alias_names_is_an_error() -> None:
    with pytest.raises(KeyError):
        template_of("other")
