"""The exceptions, and the tree that they form."""

import importlib
import inspect
from collections.abc import Iterator

from django_offload.exceptions import OffloadError
from tests.docs.reference.entry import Entry
from tests.docs.reference.sentences import LIBRARY, docstring, modules

PACKAGE = "django_offload"


def errors() -> list[Entry]:
    """Return an entry for each class, from the top of the tree down."""
    return [
        Entry(
            name=kind.__name__,
            sentence=docstring(kind) if kind.__doc__ else "",
            place=f"{kind.__module__}.{kind.__name__}",
        )
        for _, kind in classes()
    ]


def tree() -> str:
    """Return the tree as a drawing, with the bases that Django and Python define."""
    return "\n".join(f"{branch}{name_of(kind)}" for branch, kind in classes())


def name_of(kind: type) -> str:
    others = [base.__name__ for base in kind.__bases__ if not base.__module__.startswith(PACKAGE)]
    return f"{kind.__name__} ({', '.join(others)})" if others else kind.__name__


def classes() -> Iterator[tuple[str, type]]:
    """Yield each class of the library below OffloadError, with the branch that leads to it."""
    for path in modules():
        if path.name.endswith("errors.py") or path.name == "exceptions.py":
            importlib.import_module(".".join((PACKAGE, *path.relative_to(LIBRARY).with_suffix("").parts)))
    yield "", OffloadError
    yield from below(OffloadError, "")


def below(kind: type, indent: str) -> Iterator[tuple[str, type]]:
    children = [child for child in kind.__subclasses__() if child.__module__.startswith(PACKAGE)]
    children.sort(key=lambda child: (child.__module__ != kind.__module__, child.__module__, line(child)))
    for child in children:
        last = child is children[-1]
        yield f"{indent}{'└── ' if last else '├── '}", child
        yield from below(child, f"{indent}{'    ' if last else '│   '}")


def line(kind: type) -> int:
    return inspect.getsourcelines(kind)[1]
