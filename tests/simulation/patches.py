"""What stands in, in one world, for AWS, for every clock, and for what is costly and proves nothing."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from traceback import format_exception_only
from typing import TYPE_CHECKING, Any
from unittest import mock

from django_offload import payloads, stores, transports
from django_offload.definition import context
from django_offload.effects import marker
from django_offload.outbox import drain
from django_offload.sending import enqueue
from django_offload.worker import attempt, batch, execution, step_results, sweep

from .clock import VirtualTime
from .plan import PART_BYTES

if TYPE_CHECKING:
    from .world import World


@dataclass(slots=True)
class Virtual:
    """Stands in for the modules time and datetime where the protocol reads a clock by itself."""

    time: VirtualTime

    def monotonic(self) -> float:
        return self.time.now.timestamp()

    def now(self, zone: object = None) -> Any:
        return self.time.now


@contextmanager
def patched(world: "World") -> Iterator[None]:
    """Put a world in the place of AWS, and of what is left out of the simulation (see ARCHITECTURE.md)."""
    world.outbox_rows.clear()
    world.database.clear()
    patches: dict[tuple[Any, str], Any] = {
        (execution, "limited"): world.limited,
        (attempt, "execute"): world.execute,
        (execution, "traceback_text"): lambda exc, mask: "".join(format_exception_only(exc)),
        (batch, "living_connections"): nullcontext,
        (sweep, "living_connections"): nullcontext,
        # No marker is too old for its task, in a world of some days.
        (sweep, "remove_old_markers"): lambda now, left: Counter(),
        (context, "time"): world.virtual,
        (drain, "datetime"): world.virtual,
        (marker, "once"): world.database.over_a_wire(marker.once) if world.design.atomic else _unmarked,
        (enqueue, "PART_BYTES"): PART_BYTES,
        (attempt, "PART_BYTES"): PART_BYTES,
        (step_results, "PART_BYTES"): PART_BYTES,
        **world.outbox_rows.patches(),
        **world.design.patches,
    }
    with ExitStack() as exits:
        for (target, name), value in patches.items():
            exits.enter_context(mock.patch.object(target, name, value))
        for stack, store in world.stores.items():
            exits.enter_context(stores.use(stack, store))
        for stack, transport in world.transports.items():
            exits.enter_context(transports.use(stack, transport))
        for stack, kept in world.payloads.items():
            exits.enter_context(payloads.use(stack, kept))
        yield


def _unmarked(task_id: str, key: str, run: Callable[[], str], using: str | None) -> str:
    """Stand in for marker.once() where a design keeps no markers."""
    return run()
