"""Handlers called in this process, with Lambda's contract."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from django_offload.local.lambda_.in_process import InProcessInvoker, LambdaContext
from django_offload.local.lambda_.invoker import Outcome
from django_offload.local.lambda_.processes import runtime_client_missing

from .fakes import function


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Outcome]:
    """Invoke a handler with an event."""
    (tmp_path / "handlers_of_a_test.py").touch()
    monkeypatch.syspath_prepend(tmp_path)

    def call(handler: Callable[[Any, Any], object], event: object = None) -> Outcome:
        module = ModuleType("handlers_of_a_test")
        monkeypatch.setitem(sys.modules, module.__name__, module)
        vars(module)["handler"] = handler
        deployed = function(handler="handlers_of_a_test.handler")
        return InProcessInvoker().invoke(deployed, json.dumps(event).encode())

    return call


def test_event_and_response_go_through_json(invoke: Callable[..., Outcome]) -> None:
    events: list[object] = []
    event = {"n": [1, 2], "text": "ü"}

    outcome = invoke(lambda event, context: events.append(event) or {"pair": (1, 2)}, event)

    assert events == [event]
    assert (outcome.failed, outcome.value()) == (False, {"pair": [1, 2]})


def test_the_context_says_what_lambda_says(invoke: Callable[..., Outcome]) -> None:
    contexts: list[LambdaContext] = []

    invoke(lambda event, context: contexts.append(context))

    context = contexts[0]
    assert context.function_name == "shop-default-worker"
    assert context.function_version == "$LATEST"
    assert context.invoked_function_arn == function().arn
    assert context.memory_limit_in_mb == "256"
    assert context.log_group_name == "/aws/lambda/shop-default-worker"
    assert len(context.aws_request_id) == 36
    assert 2_000 < context.get_remaining_time_in_millis() <= 3_000


def test_the_remaining_time_runs_out_and_stays_at_zero() -> None:
    now = [100.0]
    context = LambdaContext(function(), clock=lambda: now[0])

    now[0] += 1.25
    assert context.get_remaining_time_in_millis() == 1_750
    now[0] += 60
    assert context.get_remaining_time_in_millis() == 0


def test_the_log_stream_has_lambdas_form() -> None:
    assert re.fullmatch(
        r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", LambdaContext(function()).log_stream_name
    )


def test_an_exception_is_an_error_in_lambdas_form(invoke: Callable[..., Outcome]) -> None:
    def handler(event: Any, context: Any) -> None:
        raise ValueError("no such order")

    outcome = invoke(handler)

    error = outcome.value()
    assert outcome.failed
    assert outcome.error == "ValueError: no such order"
    assert len(error["requestId"]) == 36
    assert any("no such order" in line for line in error["stackTrace"])


def test_an_exit_is_the_end_of_the_runtime_and_not_of_this_process(invoke: Callable[..., Outcome]) -> None:
    outcome = invoke(lambda event, context: sys.exit(3))

    assert outcome.error == "Runtime.ExitError: Error: Runtime exited with error: exit status 3"


def test_an_interrupt_passes(invoke: Callable[..., Outcome]) -> None:
    def handler(event: Any, context: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        invoke(handler)


def test_a_response_that_json_cannot_hold_is_an_error(invoke: Callable[..., Outcome]) -> None:
    outcome = invoke(lambda event, context: object())

    assert outcome.error.startswith("Runtime.MarshalError: ")


@pytest.mark.parametrize("handler", ["no_such_module_here.handler", "json.no_such_name"])
def test_a_missing_handler_is_an_error(handler: str) -> None:
    outcome = InProcessInvoker().invoke(function(handler=handler), b"{}")

    assert outcome.failed


def test_elsewhere_than_on_linux_there_is_no_runtime_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")

    assert runtime_client_missing() == "AWS's runtime client, awslambdaric, needs Linux"


def test_a_missing_runtime_client_is_named_with_its_install_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr("django_offload.local.lambda_.processes.find_spec", lambda name: None)

    assert 'pip install "django-offload[local]"' in str(runtime_client_missing())
