"""What tasks log, as a developer reads it: each record once, from INFO on, in a short form."""

import logging
import sys
from collections.abc import Callable

SHORT = logging.Formatter("%(levelname)s %(name)s: %(message)s")
# They log each client and connection, and are rarely what somebody looks for.
LIBRARIES = ("boto3", "botocore", "s3transfer", "urllib3", "werkzeug")


class NotWrittenElsewhere(logging.Filter):
    """
    Passes the records that no other stream handler writes.

    The root's handler gets a record after the handlers of all other loggers. Django's own writes to the
    console in debug mode, and the project's settings may add more.
    """

    def __init__(self, handler: logging.Handler) -> None:
        super().__init__()
        self._handler = handler

    def filter(self, record: logging.LogRecord) -> bool:
        logger: logging.Logger | None = logging.getLogger(record.name)
        while logger is not None:
            for handler in logger.handlers:
                if handler is not self._handler and writes(handler, record):
                    return False
            logger = logger.parent if logger.propagate else None
        return True


def writes(handler: logging.Handler, record: logging.LogRecord) -> bool:
    """Return True if a handler writes this record to the terminal."""
    on_terminal = isinstance(handler, logging.StreamHandler) and handler.stream in (sys.stdout, sys.stderr)
    return on_terminal and record.levelno >= handler.level and bool(handler.filter(record))


def show_task_logs(handler: logging.Handler, formatter: logging.Formatter = SHORT) -> None:
    """
    Make a handler of the root logger show what tasks log.

    Call it before the settings are loaded. A root logger in LOGGING has the last word.
    """
    root = logging.getLogger()
    handler.setFormatter(formatter)
    handler.addFilter(NotWrittenElsewhere(handler))
    if root.level == logging.WARNING:  # Python's own default, which hides what tasks say.
        root.setLevel(logging.INFO)
    for name in LIBRARIES:
        if logging.getLogger(name).level == logging.NOTSET:
            logging.getLogger(name).setLevel(logging.WARNING)


class LogHandler(logging.Handler):
    """Writes records with a function that takes lines."""

    def __init__(self, log: Callable[[str], None]) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        self._log(self.format(record))
