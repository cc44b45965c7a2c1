"""The option `backoff` of a task, and the two kinds of functions that it may be."""

from collections.abc import Callable
from datetime import timedelta
from inspect import Parameter, isasyncgenfunction, iscoroutinefunction, isgeneratorfunction, signature
from reprlib import repr as short
from typing import Any

from ..compat import InvalidTask
from ..conf import duration
from .option_checks import LONGEST_DURATION

# A function of the attempt's number, or of the exception and the task's result. With None, the task ends.
type Pause = float | timedelta | None
type Backoff = float | timedelta | Callable[[int], Pause] | Callable[[BaseException, Any], Pause]

ADVICE = "Return seconds, a timedelta, or None to end the task."
FORMS = "Give a function of the attempt's number, or one of the exception and the task's result."
POSITIONAL = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


def check_backoff(backoff: Callable[..., Any]) -> None:
    """Raise InvalidTask if a callable backoff can't be called with one of its two kinds of arguments."""
    calls = backoff if isinstance(backoff, type) else getattr(backoff, "__call__", backoff)  # noqa: B004
    if any(
        is_other(function)
        for function in (backoff, calls)
        for is_other in (iscoroutinefunction, isgeneratorfunction, isasyncgenfunction)
    ):
        raise InvalidTask(
            f"backoff is {short(backoff)}, which returns no pause when it is called. "
            "Give a plain function, neither async nor a generator."
        )
    parameters = parameters_of(backoff)
    if parameters is None:
        return
    required = [each for each in parameters if each.default is Parameter.empty]
    named = [each.name for each in required if each.kind is Parameter.KEYWORD_ONLY]
    if named:
        raise InvalidTask(
            f"backoff is {short(backoff)}, which can't be called without {', '.join(named)}. {FORMS}"
        )
    count = sum(each.kind in POSITIONAL for each in required)
    takes_any = any(each.kind in (*POSITIONAL, Parameter.VAR_POSITIONAL) for each in parameters)
    if count > 2 or not takes_any:
        number = str(count) if takes_any else "no"
        noun = "argument" if number == "1" else "arguments"
        raise InvalidTask(f"backoff is {short(backoff)}, which takes {number} {noun}. {FORMS}")


def takes_result(backoff: Callable[..., Any]) -> bool:
    """
    Return True if a callable backoff takes the exception and the result, False if it takes a number.

    The positional parameters that it can't be called without decide: two of them, or one. A callable whose
    parameters can't be read takes the number, and so does one that takes any number of arguments.
    """
    required = [
        each
        for each in parameters_of(backoff) or ()
        if each.kind in POSITIONAL and each.default is Parameter.empty
    ]
    return len(required) == 2


def parameters_of(function: Callable[..., Any]) -> list[Parameter] | None:
    """Return the parameters of a callable, or None if Python can't read them, as of some in C."""
    try:
        return list(signature(function).parameters.values())
    except Exception:  # noqa: BLE001, an object of the project may raise anything when it is looked at
        return None


def wait_of(pause: object) -> timedelta | None:
    """Return the wait for what a callable backoff returned. Raise ValueError if it's none."""
    if pause is None:
        return None
    try:
        wait = duration(pause)  # type: ignore[arg-type]
    except ValueError as exc:
        raise ValueError(
            f"backoff returned {short(pause)}, which is no pause ({str(exc)[:200]}). {ADVICE}"
        ) from None
    if wait > LONGEST_DURATION:
        raise ValueError(f"backoff returned more than {LONGEST_DURATION.days:,} days. {ADVICE}")
    return wait
