"""Lines of a log that nobody can forge: no text brings a line of its own or controls a terminal."""

import logging
from collections.abc import Mapping
from copy import copy
from typing import Any

from ..compat import TASKS
from .escaping import indented, one_line

# Each logger whose records a text from outside may reach. A filter of a logger doesn't see its children's.
OWN = "django_offload"
# In the last one, Django logs what receivers of signals raise.
LOGGERS = (OWN, *(f"{OWN}.{child}" for child in ("local", "web")), "django.dispatch")
format_exception = logging.Formatter().formatException


class Lines(str):
    """An argument of a log call that may have several lines, such as a traceback."""

    __slots__ = ()


class OneRecordALine(logging.Filter):
    """
    Makes a record begin in the first column, and nothing else: further lines of it are indented.

    The arguments bring neither line breaks nor control characters. A traceback has lines, and so may the
    text of its exception.
    """

    def cleaned(self, text: str) -> str:
        """Return a text that is logged without what a subclass hides."""
        return text

    def safe_argument(self, value: Any) -> Any:
        """Return an argument of a log call as it is if it is safe, or else its text made safe."""
        if value is None or isinstance(value, int | float):
            return value
        try:
            text = str(value)
        except Exception:  # noqa: BLE001, whatever a project's own class raises
            return one_line(f"a value of type {type(value).__name__}")
        safe = (indented if isinstance(value, Lines) else one_line)(self.cleaned(text))
        return value if safe == text else safe

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, Mapping):
            # A server's own class of dictionary may answer for names that it lacks.
            arguments = copy(record.args) if isinstance(record.args, dict) else dict(record.args)
            arguments.update({name: self.safe_argument(value) for name, value in record.args.items()})
            record.args = arguments
        elif record.args:
            record.args = tuple(map(self.safe_argument, record.args))
        if record.exc_info and record.exc_info[0] is not None and not record.exc_text:
            # Formatters use this text instead of making their own.
            record.exc_text = indented(self.cleaned(format_exception(record.exc_info)))
        return True


one_record_a_line = OneRecordALine()


def guard(*names: str) -> None:
    """Filter the records of these loggers. Doing it again changes nothing."""
    for name in names:
        logging.getLogger(name).addFilter(one_record_a_line)


def guard_failures() -> None:
    """
    Filter what Django logs of a task that failed: the exception.

    Workers call this at the first failure, because what Django logs of other tasks needs no filter.
    """
    guard(TASKS)


guard(*LOGGERS)
