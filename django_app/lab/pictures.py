"""One Mandelbrot picture: many tasks that a page follows as one."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from secrets import token_hex
from typing import Self

from django.tasks import TaskResultStatus, default_task_backend
from django.tasks.exceptions import TaskResultDoesNotExist

from . import files
from .mandelbrot import TILES, tile_file
from .tasks import mandelbrot_tile

LIST = "tasks.json"
# Records that one answer to a page reads; the rest is told by the next.
READ_AT_ONCE = 12
READY, RUNNING = TaskResultStatus.READY, TaskResultStatus.RUNNING
SUCCESSFUL, FAILED = TaskResultStatus.SUCCESSFUL, TaskResultStatus.FAILED


def begin(place: str) -> str:
    """Enqueue every tile of a picture in bulk, and return its id. Raise what enqueue() of a tile would."""
    picture = token_hex(16)
    ids = []
    for answer in mandelbrot_tile.enqueue_many((picture, place, number) for number in range(TILES)):
        if isinstance(answer, Exception):
            raise answer
        ids.append(answer.id)
    files.put(picture, LIST, json.dumps({"place": place, "ids": ids}).encode())
    return picture


@lru_cache(maxsize=100)
def _listed(picture: str) -> tuple[str, tuple[str, ...]]:
    data = files.get(picture, LIST)
    if data is None:
        raise LookupError("The list of the picture's tiles is gone. Draw the picture again.")
    listed = json.loads(data)
    return listed["place"], tuple(listed["ids"])


# How tiles ended, which does not change; the oldest go first.
_ended: dict[str, TaskResultStatus] = {}
_MOST_ENDED = 4_000


def _status(task_id: str) -> TaskResultStatus:
    if task_id in _ended:
        return _ended[task_id]
    try:
        status = default_task_backend.get_result(task_id).status
    except TaskResultDoesNotExist:
        status = FAILED
    if status in {SUCCESSFUL, FAILED}:
        if len(_ended) >= _MOST_ENDED:
            _ended.pop(next(iter(_ended)), None)
        _ended[task_id] = status
    return status


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it stands."""

    id: str
    place: str
    ids: Sequence[str]
    tiles: Sequence[TaskResultStatus]

    @classmethod
    def find(cls, picture: str, most: int = TILES) -> Self:
        """Read how its tiles stand, at most `most` of those under way. Raise LookupError if it is gone."""
        place, ids = _listed(picture)
        tiles = []
        for task_id in ids:
            known = task_id in _ended
            tiles.append(_status(task_id) if known or most > 0 else READY)
            most -= not known
        return cls(picture, place, ids, tiles)

    @property
    def pending(self) -> list[str]:
        """The tasks that may still draw."""
        return [one for one, tile in zip(self.ids, self.tiles, strict=True) if tile in {READY, RUNNING}]

    @property
    def arrived(self) -> list[str]:
        """The files that are there."""
        return [tile_file(number) for number, tile in enumerate(self.tiles) if tile == SUCCESSFUL]

    @property
    def status(self) -> TaskResultStatus:
        """Django's word for all of them together."""
        if not self.pending:
            return SUCCESSFUL if len(self.arrived) == TILES else FAILED
        return READY if all(tile == READY for tile in self.tiles) else RUNNING

    @property
    def percent(self) -> int:
        return 100 * len(self.arrived) // TILES
