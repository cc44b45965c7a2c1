"""The table of idioms: each way to use Celery, and what to write instead."""

from .calls import CALLS
from .idiom import Idiom, Table
from .processes import PROCESSES
from .results import RESULTS
from .running import RUNNING
from .settings import SETTINGS
from .tasks import TASKS

IDIOMS: tuple[Idiom, ...] = (*TASKS, *RUNNING, *CALLS, *RESULTS, *PROCESSES, *SETTINGS)

__all__ = ["IDIOMS", "Idiom", "Table"]
