"""Run a command as manage.py does, and return its exit code and output."""

import json
from io import StringIO
from typing import Any

from django.core.management import CommandError, call_command


def run(command: str, *args: str) -> tuple[int, str]:
    """Return a command's exit code and its output, or the message of a CommandError."""
    out = StringIO()
    try:
        call_command(command, *args, stdout=out)
    except CommandError as error:
        return error.returncode, str(error)
    except SystemExit as exited:
        return int(str(exited.code)), out.getvalue()
    return 0, out.getvalue()


def run_json(command: str, *args: str) -> tuple[int, Any]:
    """Return a command's exit code and its JSON output."""
    code, printed = run(command, *args, "--json")
    return code, json.loads(printed)
