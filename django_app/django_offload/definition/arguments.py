"""Why a task can't be enqueued with some arguments. Imported only after the fast encoder has failed."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from inspect import Parameter
from typing import Any

from ..conf.json_values import NotJSON, plain, refuse_changed
from ..exceptions import InvalidArguments
from ..protocol.json_codec import load
from .offload_task import AnyResult, AnyTask
from .registry import name_of
from .signatures import signature_of


def plain_arguments(task: AnyTask, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
    """
    Return [args, kwargs] as numbers, text, lists and dictionaries.

    Raise InvalidArguments, with the name and the path of the first value that JSON can't carry.
    """
    names = positional_names(task, len(args))
    return [
        [plain_argument(task, value, *name) for value, name in zip(args, names, strict=True)],
        {name: plain_argument(task, value, name, name) for name, value in kwargs.items()},
    ]


def unreadable_arguments(
    task: AnyTask, args: Sequence[Any], kwargs: Mapping[str, Any], result: AnyResult | None, text: str
) -> InvalidArguments:
    """
    Return the error of arguments that a worker would read as others from their JSON text.

    `result` has them in Django's normal form. It is None if they are nested too deeply for that.
    """
    try:
        plain_arguments(task, args, kwargs)  # Names most of them.
        if result is not None:
            read_args, read_kwargs = load(text)
            for value, read, name in zip(
                result.args, read_args, positional_names(task, len(args)), strict=True
            ):
                with naming(task, *name):
                    refuse_changed(value, read, name[0])
            for key, value in result.kwargs.items():
                with naming(task, key, key):
                    refuse_changed(value, read_kwargs.get(key), key)
    except InvalidArguments as exc:
        return exc
    except RecursionError:
        result = None
    if result is not None:
        return InvalidArguments(name_of(task), "JSON gives them back as others")
    reason = "they are nested too deeply for this place, where Python is near its recursion limit"
    return InvalidArguments(name_of(task), reason, "Pass flatter values, or enqueue the task elsewhere.")


def plain_argument(task: AnyTask, value: Any, name: str, parameter: str) -> Any:
    """Return one argument as JSON can carry it. A path within a sensitive one isn't shown."""
    with naming(task, name, parameter):
        return plain(value, name)


@contextmanager
def naming(task: AnyTask, name: str, parameter: str) -> Iterator[None]:
    """Raise InvalidArguments for a NotJSON of one argument. A path within a sensitive one isn't shown."""
    try:
        yield
    except NotJSON as exc:
        if is_sensitive(task, parameter) and exc.path != name:
            reason = f"a value in {name} is {exc.what}"
            raise InvalidArguments(name_of(task), reason) from None
        raise InvalidArguments(name_of(task), f"{exc.path} is {exc.what}", exc.advice) from None


def is_sensitive(task: AnyTask, name: str) -> bool:
    """Return True if the argument with this name is sensitive, also as a part of **options."""
    sensitive = getattr(task, "sensitive", ())
    parameters = signature_of(task).parameters
    return name in sensitive or (
        name not in parameters
        and any(
            parameter.kind is Parameter.VAR_KEYWORD and parameter.name in sensitive
            for parameter in parameters.values()
        )
    )


def positional_names(task: AnyTask, count: int) -> list[tuple[str, str]]:
    """Return the name of each positional argument, and of its parameter: rest[0] is one of *rest."""
    names: list[tuple[str, str]] = []
    for parameter in signature_of(task).parameters.values():
        if parameter.kind is Parameter.VAR_POSITIONAL:
            first = len(names)
            names += [(f"{parameter.name}[{index - first}]", parameter.name) for index in range(first, count)]
        elif parameter.kind in {Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD}:
            names.append((parameter.name, parameter.name))
    return names[:count]
