"""Running a task's function: every way in which it can end."""

import asyncio
import json
from datetime import date
from traceback import format_exception

import pytest

from django_offload.definition.context import OffloadContext, current
from django_offload.definition.masking import Mask
from django_offload.definition.offload_task import task
from django_offload.definition.signatures import argument_error
from django_offload.exceptions import BadArguments, DeadlineExceeded, InvalidReturnValue
from django_offload.sending.enqueue import enqueued_result
from django_offload.worker.execution import TRACEBACK_CHARACTERS, error_text, execute
from tests.contract import tasks as plain
from tests.contract.records import NOW, enqueued_task

pytestmark = pytest.mark.usefixtures("ours")


def enqueued(*args, **kwargs):
    return enqueued_task("0" * 32, arguments=json.dumps([args, kwargs]))


def run(function, *args, seconds=5.0, **kwargs):
    made = task(plain.nothing.func)
    object.__setattr__(made, "func", function)
    context = OffloadContext(task_result=enqueued_result(made, enqueued(*args, **kwargs), args, kwargs))
    return execute(made, context, seconds)


def test_the_return_value_is_json():
    assert run(lambda: {"a": (1, b"b")}).text == '{"a":[1,"b"]}'
    assert run(lambda: None).text == "null"


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (object(), TypeError),
        (float("nan"), ValueError),
        ({1, 2}, TypeError),
        (b"\xff", ValueError),
        (10**5_000, ValueError),
    ],
    ids=["object", "NaN", "set", "bytes", "huge"],
)
def test_what_json_cannot_hold_is_an_exception(value, kind):
    outcome = run(lambda: value)

    assert type(outcome.exception) is InvalidReturnValue
    assert type(outcome.exception.__cause__) is kind


def test_the_path_of_what_json_cannot_hold_is_named():
    outcome = run(lambda: {"days": [1, date(2026, 11, 30)]})

    assert str(outcome.exception).endswith(
        "can't be stored: return_value.days[1] is a date. Return days[1].isoformat()."
    )


def test_a_value_that_holds_itself_is_an_exception():
    value = []
    value.append(value)

    exception = run(lambda: value).exception

    assert isinstance(exception, InvalidReturnValue)
    assert isinstance(exception.__cause__, RecursionError)


@pytest.mark.parametrize(
    "exception", [ValueError("x"), SystemExit(3), GeneratorExit(), asyncio.CancelledError()]
)
def test_whatever_is_raised_is_the_outcome(exception):
    def fails():
        raise exception

    assert run(fails).exception is exception


def test_keyboard_interrupt_goes_on():
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(interrupted)
    assert current() is None


def test_a_function_is_stopped_at_its_deadline():
    def hangs():
        while True:
            pass

    outcome = run(hangs, seconds=0.05)

    assert isinstance(outcome.exception, DeadlineExceeded)
    assert "raise its timeout" in str(outcome.exception)


def test_a_coroutine_is_stopped_at_its_deadline():
    async def hangs():
        await asyncio.Event().wait()

    outcome = run(hangs, seconds=0.05)

    assert isinstance(outcome.exception, DeadlineExceeded)
    assert str(outcome.exception).startswith("The task was stopped after 0.1 s")


def test_a_timeout_of_the_coroutine_itself_is_its_own():
    async def gives_up():
        async with asyncio.timeout(0.01):
            await asyncio.Event().wait()

    async def raises():
        raise TimeoutError("the shop's")

    for function in (gives_up, raises):
        assert type(run(function).exception) is TimeoutError


def test_a_coroutine_knows_its_context():
    async def asks():
        return current() is not None

    assert run(asks).text == "true"
    assert current() is None


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (enqueued(1, 2, 3), "too many positional arguments"),
        (enqueued(), "missing a required argument: 'first'"),
        (enqueued(1, third=3), "got an unexpected keyword argument 'third'"),
        (enqueued(1, first=1), "multiple values for argument 'first'"),
    ],
)
def test_arguments_that_do_not_fit_are_found_before_the_call(call, reason):
    error = argument_error(plain.add, call)

    assert isinstance(error, BadArguments)
    assert reason in str(error)
    assert "Keep old parameters while messages use them" in str(error)


def test_arguments_that_fit_are_no_error():
    assert argument_error(plain.add, enqueued(1)) is None
    assert argument_error(plain.add, enqueued(1, second=2)) is None
    assert argument_error(plain.echo, enqueued(1, 2, x=3)) is None


def test_the_context_is_no_argument_of_the_caller():
    assert argument_error(plain.own_attempt, enqueued(1, 2)) is None
    assert argument_error(plain.own_id, enqueued()) is None
    assert "too many positional arguments" in str(argument_error(plain.own_id, enqueued(1)))


def test_a_type_error_in_the_body_is_not_a_misfit():
    assert argument_error(plain.raises_type_error, enqueued()) is None
    assert type(run(plain.raises_type_error.func).exception) is TypeError


def stored_traceback(exc, mask=None):
    """Return the traceback as it is stored, which is never longer than allowed."""
    text = json.loads(error_text(exc, NOW, mask))["traceback"]
    assert len(text) <= TRACEBACK_CHARACTERS
    return text


LONG = "x" * (2 * TRACEBACK_CHARACTERS)


def test_of_a_long_message_the_class_the_frames_and_both_ends_are_kept():
    def first(number):
        if number:
            first(number - 1)
        raise ValueError(f"the beginning {LONG} the end")

    text = stored_traceback(run(first, 5).exception)

    assert text.startswith("Traceback (most recent call last):\n")
    assert text.count(", in first\n") >= 3
    assert "in first\n    raise ValueError" in text
    assert "\nValueError: the beginning xxx" in text
    assert "characters left out" in text
    assert text.endswith("xxx the end\n")


def test_of_many_frames_the_first_and_the_last_are_kept():
    def deeper(number):
        (deeper, other)[number % 2](number - 1) if number else last()

    def other(number):
        return deeper(number)

    def last():
        raise ValueError("here")

    text = stored_traceback(run(deeper, 300).exception)

    assert "_call\n" in text[:3_000], "the first frames are the worker's"
    assert ", in last\n" in text[-3_000:]
    assert text.endswith("ValueError: here\n")


def test_long_notes_and_a_long_cause_hide_neither_class_nor_frames():
    def fails():
        try:
            raise KeyError(LONG)
        except KeyError as exc:
            failure = ValueError("the stock is negative")
            failure.add_note("\n".join(["a note"] * 10_000))
            failure.add_note("the last note")
            raise failure from exc

    text = stored_traceback(run(fails).exception)

    assert text.index("KeyError: 'xxx") < text.index("ValueError: the stock is negative\na note\n")
    assert text.count(", in fails\n") == 2
    assert text.endswith("the last note\n")


def noted(exc, note):
    exc.add_note(note)
    return exc


@pytest.mark.parametrize("place", ["cause", "context", "group"])
def test_long_notes_of_any_exception_hide_no_other(place):
    first, middle, last = (
        noted(kind(kind.__name__), "\n".join(["a note"] * 10_000)) for kind in (KeyError, OSError, ValueError)
    )
    if place == "group":
        last = ExceptionGroup("all", [first, middle, last])
    elif place == "cause":
        middle.__cause__, last.__cause__ = first, middle
    else:
        middle.__context__, last.__context__ = first, middle

    text = stored_traceback(last)

    for name in ("KeyError: 'KeyError'", "OSError: OSError", "ValueError: ValueError"):
        assert name in text


def test_an_exception_that_is_chained_to_itself_is_described_once():
    exc, other = noted(ValueError("one"), "a note"), noted(KeyError("other"), "another note")
    exc.__cause__, other.__context__ = other, exc

    text = stored_traceback(exc)

    assert [text.count(word) for word in ("one", "a note", "another note")] == [1, 1, 1]


def test_two_long_messages_hide_neither_class_nor_frames():
    def fails():
        try:
            raise KeyError(LONG)
        except KeyError as exc:
            raise ValueError(LONG) from exc

    text = stored_traceback(run(fails).exception)

    assert text.index("KeyError: 'xxx") < text.index("direct cause") < text.index("ValueError: xxx")
    assert text.count(", in fails\n") == 2


def test_a_long_message_within_a_group_hides_no_other_exception():
    def fails():
        raise ExceptionGroup("both", [ValueError(LONG), OSError("no disk")])

    text = stored_traceback(run(fails).exception)

    assert "ExceptionGroup: both (2 sub-exceptions)" in text
    assert "ValueError: xxx" in text
    assert "OSError: no disk" in text


def test_a_sensitive_value_is_hidden_before_the_text_is_cut():
    secret = "s3cret-" + "y" * 30
    places = range(1_900, 2_100, 7)

    for place in places:
        long = "x" * place + secret + LONG
        for exc in (ValueError(long), noted(ValueError("outside"), long)):
            text = stored_traceback(exc, Mask([secret]))
            assert "characters left out" in text
            assert "s3cret" not in text
            assert "yyyyyy" not in text


def test_a_short_traceback_is_pythons_own():
    exception = run(plain.raises_value_error.func).exception
    expected = "".join(format_exception(exception))

    assert stored_traceback(exception) == expected


def test_an_exception_with_odd_text_is_kept_as_ascii():
    error = ValueError("\ud800\0ü")

    assert error_text(error, NOW).isascii()
    assert json.loads(error_text(error, NOW))["message"] == "\ud800\0ü"
