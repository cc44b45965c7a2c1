"""A Mandelbrot picture: many tasks that a page follows like a single one."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from secrets import token_hex
from typing import Self

from django_offload.compat import TaskResultDoesNotExist, TaskResultStatus, default_task_backend

from . import files
from .mandelbrot import TILES, tile_file
from .tasks import mandelbrot_tile

LIST = "tasks.json"
# One response reads at most this many records. The next response reads more.
READ_AT_ONCE = 12
READY, RUNNING = TaskResultStatus.READY, TaskResultStatus.RUNNING
SUCCESSFUL, FAILED = TaskResultStatus.SUCCESSFUL, TaskResultStatus.FAILED


def enqueue_picture(place: str) -> str:
    """Enqueue every tile of a picture in bulk, and return its id. Raise what enqueue() of a tile would."""
    picture = token_hex(16)
    task_ids = []
    for result in mandelbrot_tile.enqueue_many((picture, place, number) for number in range(TILES)):
        if isinstance(result, Exception):
            raise result
        task_ids.append(result.id)
    files.put(picture, LIST, json.dumps({"place": place, "ids": task_ids}).encode())
    return picture


@lru_cache(maxsize=100)
def read_task_list(picture: str) -> tuple[str, tuple[str, ...]]:
    """Return the place and the task ids of a picture. Raise LookupError if they no longer exist."""
    data = files.get(picture, LIST)
    if data is None:
        raise LookupError("The picture's list of tiles no longer exists. Draw the picture again.")
    task_list = json.loads(data)
    return task_list["place"], tuple(task_list["ids"])


# The final status of tiles, which never changes. The oldest entries are removed first.
ended_tiles: dict[str, TaskResultStatus] = {}
MOST_ENDED = 4_000


def tile_status(task_id: str) -> TaskResultStatus:
    """Return the status of a tile. Read its record only if the tile isn't known to have ended."""
    if task_id in ended_tiles:
        return ended_tiles[task_id]
    try:
        status = default_task_backend.get_result(task_id).status
    except TaskResultDoesNotExist:
        status = FAILED
    if status in {SUCCESSFUL, FAILED}:
        if len(ended_tiles) >= MOST_ENDED:
            ended_tiles.pop(next(iter(ended_tiles)), None)
        ended_tiles[task_id] = status
    return status


@dataclass(frozen=True, slots=True)
class Picture:
    """The current state of a picture."""

    id: str
    place: str
    task_ids: Sequence[str]
    statuses: Sequence[TaskResultStatus]

    @classmethod
    def read(cls, picture: str, most: int = TILES) -> Self:
        """Read at most `most` records of unfinished tiles. Raise LookupError if the picture is gone."""
        place, task_ids = read_task_list(picture)
        statuses = []
        for task_id in task_ids:
            ended = task_id in ended_tiles
            statuses.append(tile_status(task_id) if ended or most > 0 else READY)
            most -= not ended
        return cls(picture, place, task_ids, statuses)

    @property
    def pending(self) -> list[str]:
        """The ids of the tasks that haven't ended."""
        statuses = zip(self.task_ids, self.statuses, strict=True)
        return [task_id for task_id, status in statuses if status in {READY, RUNNING}]

    @property
    def arrived(self) -> list[str]:
        """The files of the finished tiles."""
        return [tile_file(number) for number, status in enumerate(self.statuses) if status == SUCCESSFUL]

    @property
    def status(self) -> TaskResultStatus:
        """The status of all tiles together."""
        if not self.pending:
            return SUCCESSFUL if len(self.arrived) == TILES else FAILED
        return READY if all(status == READY for status in self.statuses) else RUNNING

    @property
    def percent(self) -> int:
        return 100 * len(self.arrived) // TILES
