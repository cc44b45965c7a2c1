"""No text of a task or of a request forges a line of a log, or controls a terminal."""

import ast
import json
import logging
import re
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from django_offload.compat import TASKS
from django_offload.conf import configured
from django_offload.definition.masking import Mask
from django_offload.http.log_filter import TokenFilter
from django_offload.local.lambda_.log_lines import LogLine
from django_offload.local.lambda_.task_logs import SHORT
from django_offload.local.serve.session import print_line, print_log_line
from django_offload.logs import LOGGERS
from django_offload.logs.escaping import INDENT, one_line
from django_offload.protocol.json_codec import dump, to_micros
from django_offload.protocol.record import error_part, initial_item
from django_offload.stores import store_of
from django_offload.worker.events import log_exception
from tests.architecture.sources import LIBRARY, modules, tree
from tests.contract.records import NOW, TTL, enqueued_task
from tests.unit import tasks
from tests.unit.management.commands import run

FORGED = "ERROR django_offload: Task id=0 failed"
# What a terminal obeys, what ends a line for some reader of lines, and what turns the direction of one.
CONTROLS = [
    *("\x1b[2J", "\x1b]0;title\x07", "\x9b2J", "\x08", "\x00", "\x7f", "\r", "\x0b", "\x0c", "\x1c"),
    *("\x85", "\u2028", "\u2029", "\u202e", "\u2066", "\u200f", "\u061c", "\ud800"),
    *("\n", f"\n{FORGED}", f"\r\n{FORGED}"),
]
TEXTS = st.lists(st.sampled_from(CONTROLS) | st.text(max_size=4), max_size=5).map("".join)
# Raw, none of these may reach a line. A line break and a tab may stand between the lines of a traceback.
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


class Hostile(Exception):
    """An exception of a task, whose text anybody may have written."""


@pytest.fixture(params=[*LOGGERS, "some.access"])
def logged(request: pytest.FixtureRequest) -> Iterator[Callable[[], list[str]]]:
    """Return a function that returns the new lines of a logger: one of ours, or one that requests reach."""
    logger, stream, level = (
        logging.getLogger(request.param),
        StringIO(),
        logging.getLogger(request.param).level,
    )
    handler, token_filter = logging.StreamHandler(stream), TokenFilter()
    handler.setFormatter(SHORT)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    if request.param == "some.access":
        logger.addFilter(token_filter)

    def lines() -> list[str]:
        text = stream.getvalue()
        stream.seek(0)
        stream.truncate()
        assert not RAW.search(text), repr(text)
        return text.removesuffix("\n").split("\n")

    lines.logger = logger  # type: ignore[attr-defined]
    yield lines
    logger.removeFilter(token_filter)
    logger.removeHandler(handler)
    logger.setLevel(level)


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(text=TEXTS, other=TEXTS)
@example(text=f"\n{FORGED}", other="\x1b[2J")
def test_any_argument_of_a_log_call_is_one_line(logged: Any, text: str, other: str) -> None:
    logged.logger.warning("Task id=%s name=%s: %s", text, other, Hostile(text))

    assert len(logged()) == 1

    logged.logger.info("Swept: %(done)s", {"done": text, "other": 1})

    assert len(logged()) == 1


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(text=TEXTS, other=TEXTS)
@example(text=f"\n{FORGED}", other="\x1b[2J")
def test_each_line_of_a_traceback_is_indented(logged: Any, text: str, other: str) -> None:
    try:
        try:
            raise ExceptionGroup(other, [Hostile(text)])
        except ExceptionGroup:
            raise SyntaxError(text, (other, 1, 1, text)) from Hostile(other)
    except SyntaxError as exc:
        exc.add_note(text)
        logged.logger.exception("Task id=%s failed", other)

    first, *others = logged()

    assert first.startswith("ERROR ")
    assert others
    assert all(line.startswith(INDENT) for line in others)


@pytest.mark.parametrize("mask", [None, Mask(["4111-1111"])])
def test_the_exception_of_a_task_begins_no_record(caplog: Any, mask: Mask | None) -> None:
    try:
        raise Hostile(f"\x1b[2J4111-1111\n{FORGED}")
    except Hostile as exc:
        log_exception(exc, mask, "Task id=%s name=%s failed", "0" * 32, f"a\n{FORGED}")

    (record,) = caplog.records
    lines = SHORT.format(record).split("\n")
    assert not RAW.search("".join(lines))
    assert [line for line in lines if not line.startswith(INDENT)] == [lines[0]]
    assert f"{INDENT}{FORGED}" in lines
    assert ("4111-1111" in caplog.text) == (mask is None)


def test_what_django_logs_of_a_failed_task_begins_no_record(ours: Any, offload: Any, caplog: Any) -> None:
    result = tasks.double.enqueue(1)
    offload.fail_next(Hostile(f"\x1b[2J\n{FORGED}"))
    offload.run()
    result.refresh()

    shown = {record.name: SHORT.format(record) for record in caplog.records if record.exc_info}
    assert result.status == "FAILED"
    assert f"\n{INDENT}{FORGED}" in shown[TASKS]
    assert not [text for text in shown.values() if RAW.search(text) or f"\n{FORGED}" in text]


def test_an_object_that_cannot_be_shown_is_named_by_its_class(caplog: Any) -> None:
    class Silent:
        def __str__(self) -> str:
            raise ValueError

    logging.getLogger("django_offload").warning("Task failed: %s", Silent())

    assert caplog.messages == ["Task failed: a value of type Silent"]


def test_a_text_that_prints_stays_as_it_is(caplog: Any) -> None:
    text = "Grüße, 你好, سلام، 🙂 and a\u00a0space"

    logging.getLogger("django_offload").warning("%s %d %.1f %r", text, 3, 0.5, "q")

    assert caplog.messages == [f"{text} 3 0.5 'q'"]
    assert one_line(f"{text}\t") == f"{text}\t"


@pytest.fixture(scope="module")
def calls() -> list[tuple[str, ast.Call]]:
    """Return each call in the modules that log, with where it is."""
    return [
        (f"{path.name}:{node.lineno}", node)
        for path in modules(LIBRARY)
        if "logg" in path.read_text()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
    ]


def test_every_logger_of_the_library_is_guarded(calls: list[tuple[str, ast.Call]]) -> None:
    """A filter of a logger doesn't see the records of its children, so each name must be listed."""
    names = {
        argument.value
        for _, call in calls
        if ast.unparse(call.func).endswith("getLogger")
        for argument in call.args
        if isinstance(argument, ast.Constant)
    }

    assert {name for name in names if name.startswith("django_offload")} <= set(LOGGERS)
    assert "django_offload" in names


def test_no_log_call_formats_its_text_itself(calls: list[tuple[str, ast.Call]]) -> None:
    """The filter makes arguments safe. What an f-string put into the text would pass it."""
    levels = {"debug", "info", "warning", "error", "exception", "critical", "log"}
    formatted = [
        where
        for where, call in calls
        if ast.unparse(call.func).partition(".")[2] in levels
        and ast.unparse(call.func).startswith("logger.")
        and any(isinstance(argument, ast.JoinedStr) for argument in call.args)
    ]

    assert not formatted


@settings(max_examples=200)
@given(TEXTS)
def test_what_a_function_prints_is_a_line_in_the_terminal(text: str) -> None:
    line = LogLine("shop-worker", text)

    assert not RAW.search(line)
    assert "\n" not in line
    assert not RAW.search(line.painted().replace("\x1b[0m", "").replace("\x1b[31m", ""))


def test_offload_local_prints_no_control_characters(capsys: Any) -> None:
    task = f"\x1e{'1' * 32}\x1e"
    for line in ("\x1b[2J of the log\n\x9b", LogLine("shop-worker", f"{task}\x1b[2J of a task")):
        print_log_line(line)
        print_line(str(line))

    printed = capsys.readouterr().out
    assert not RAW.search(printed)
    assert printed.count("\\x1b[2J of a task") == 2


# An example runs six commands.
@settings(max_examples=10, suppress_health_check=list(HealthCheck))
@given(text=TEXTS, other=TEXTS, status=st.sampled_from(["READY", "RUNNING", "SUCCESSFUL", "FAILED"]))
@example(text=f"x\n{FORGED}", other="".join(CONTROLS), status="FAILED")
@example(text="".join(CONTROLS), other="\x1b[2J", status="RUNNING")
@example(text="".join(CONTROLS), other=FORGED, status="SUCCESSFUL")
def test_no_command_prints_what_controls_a_terminal(
    ours: Any, offload: Any, text: str, other: str, status: str
) -> None:
    store: Any = store_of(configured()["default"])
    store.records.clear()
    store._due.clear()
    task_id = "3" * 32
    error = {"class": other or "E", "message": text, "ended": True}
    item = initial_item(
        enqueued_task(task_id, name=text or "a", arguments=dump([[text], {other: text}]), owner=other)
    )
    item |= {"status": status, "fence": 1, "workers": [other], "errors": [error_part(1)]}
    item |= {name: to_micros(NOW) for name in ("started_at", "attempted_at", "finished_at", "lease_until")}
    item |= {"hidden_at": to_micros(NOW + 10_000 * TTL), "result": dump(text), "token": "t"}
    item |= {"progress": dump({"done": 1, "total": 2, "message": text}), "due_at": to_micros(NOW)}
    if status == "FAILED":
        item |= {"error": dump(error), "due_shard": -1}
    store.records[task_id] = item
    store._due[item["due_shard"]][task_id] = None
    store.texts[task_id] = {error_part(1): dump({**error, "traceback": f"Traceback\n{text}", "at": 0})}

    for command in (["offload_result", task_id], ["offload_dead", "list"], ["offload_dead", "show", task_id]):
        _, printed = run(*command)
        assert not RAW.search(printed), (command, printed)
        assert FORGED not in [line for line in printed.split("\n") if not line.startswith(" ")]
    for command in (["offload_result", text or "x"], ["offload_dead", "show", f"dead/{text}"]):
        _, printed = run(*command)
        assert not RAW.search(printed), (command, printed)
    _, printed = run("offload_status")
    assert not RAW.search(printed), printed
    json.loads(run("offload_result", task_id, "--json")[1])
