"""Checks of OPTIONS["tenant"]: that it is a function, and that its backend has queues that can be fair."""

from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction, signature
from typing import Any

from django.core import checks
from django.core.checks import CheckMessage, Error
from django.utils.module_loading import import_string

from .options import options_by_alias
from .plain_values import reason, shown
from .validation import OWNER_AS_TENANT


def check_tenants(**kwargs: Any) -> list[CheckMessage]:
    """Report tenants that can't be known, and warn about those that change nothing."""
    messages: list[CheckMessage] = []
    for alias, options in options_by_alias().items():
        if options.tenant is None:
            continue
        problem = None if options.tenant == OWNER_AS_TENANT else problem_of(options.tenant)
        if problem is not None:
            messages.append(
                Error(
                    f"TASKS[{shown(alias)}]: OPTIONS['tenant'] names {shown(options.tenant)}, which can't be "
                    f"used: {problem}.",
                    hint="Name a plain function without arguments that returns a text or None, or 'owner'.",
                    id="django_offload.E047",
                )
            )
        elif options.transport != "sqs":
            messages.append(
                checks.Warning(
                    f"TASKS[{shown(alias)}] has OPTIONS['tenant'], but LambdaBackend has no queue in which "
                    "tenants could wait fairly.",
                    hint="Use SQSBackend, or remove OPTIONS['tenant'].",
                    id="django_offload.W047",
                )
            )
    return messages


def problem_of(path: str) -> str | None:
    """Return why a path isn't one of a function that returns a tenant, or None if it may be."""
    try:
        found = import_string(path)
    except (Exception, SystemExit) as exc:  # noqa: BLE001, a module may raise anything at its import
        return reason(exc)
    if isinstance(found, type) or not callable(found):
        return "it isn't a function"
    # Of an object that can be called, its method says so.
    functions = (found, getattr(found, "__call__", None))  # noqa: B004
    if any(iscoroutinefunction(one) or isasyncgenfunction(one) for one in functions):
        return "it is async"
    if any(map(isgeneratorfunction, functions)):
        return "it is a generator"
    try:
        signature(found).bind()
    except TypeError as exc:
        return f"it is called without arguments, and {exc}"
    except ValueError:  # Written in C, and doesn't say what it takes.
        return None
    return None
