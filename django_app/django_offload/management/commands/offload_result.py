"""manage.py offload_result: one task, as its record tells."""

from typing import Any, ClassVar

from django.core.management.base import CommandParser

from .. import shown
from ..base import FINE, OffloadCommand


class Command(OffloadCommand):
    """Print a task's record: state, times, arguments (sensitive ones hidden), result or error."""

    help = "Show one task by its id: state, attempts, arguments, result or error with traceback."
    example: ClassVar[str] = "manage.py offload_result 3f2b9c0de4a1487fb7d2a5c6e8f01234"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", help="The id of the task: 32 hexadecimal digits.")

    def answer(self, **options: Any) -> int:
        found = shown.find(options["id"])
        if found is None:
            raise self.wrong(
                f"There is no task of id {options['id']}. Check the id; results are kept for result_ttl."
            )
        status = shown.described(found)
        self.data(status)
        for line in shown.lines(status):
            self.line(line)
        return FINE
