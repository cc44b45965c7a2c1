"""What a page of the board reads: read units, as DynamoDB bills reads that are eventually consistent."""

import math
from collections.abc import Callable, Sequence
from datetime import timedelta
from random import Random
from typing import Any
from unittest.mock import patch

from django_offload.conf import Options
from django_offload.operations.index_pages import PAGE_SIZE
from django_offload.protocol.conditional_write import Attributes
from django_offload.protocol.enqueued_task import EnqueuedTask
from django_offload.protocol.record import initial_item
from django_offload.stores.dynamodb import attribute
from django_offload.stores.listing import DUE, IndexPage, IndexQuery
from django_offload.stores.memory import MemoryStore
from django_offload.stores.memory_listing import MemoryListing
from tests.benchmarks.metered import installed
from tests.benchmarks.virtual_time import START
from tests.write_units import entry, item_size

# A query, and each record that is read, cost half a unit for every 4 KB.
UNIT_BYTES, HALF = 4_096, 0.5


class MeteredListing(MemoryListing):
    """Lists records in memory, all of one size, and counts read units."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__(store)
        self.units, self.looked_at = 0.0, 0

    def begin_query(self, query: IndexQuery, *arguments: Any) -> Callable[[], IndexPage]:
        page = super().begin_query(query, *arguments)()
        self.looked_at += page.looked_at
        self.units += max(math.ceil(page.looked_at * self.entry_bytes() / UNIT_BYTES), 1) * HALF
        return lambda: page

    def get_many(self, ids: Sequence[str]) -> Sequence[Attributes]:
        self.units += len(ids) * HALF
        return super().get_many(ids)

    def entry_bytes(self) -> int:
        record = next(iter(self._store.records.values()), {})
        typed = {name: attribute(value) for name, value in record.items()}
        return item_size(entry({"part": {"S": "record"}, **typed}, DUE.name))


def page_units(options: Options, slug: str, tasks: int) -> float:
    """Return the read units of the first page of a list, with so many tasks in it, in random shards."""
    from django_offload.board import paging
    from django_offload.board.lists import lists

    store, random = MemoryStore(), Random(7)
    for number in range(tasks):
        enqueued = EnqueuedTask(
            id=f"{random.getrandbits(128):032x}",
            alias=options.alias,
            name="shop.invoices.tasks.send_invoice",
            queue="default",
            arguments="[[7],{}]",
            enqueued_at=START + timedelta(seconds=number),
            owner="user:1234567",
        )
        store.records[enqueued.id] = initial_item(enqueued, options.shards)
    listing = MeteredListing(store)
    (task_list,) = [choice for choice in lists(options) if choice.slug == slug]
    with installed(options, store), patch.object(paging, "listing_of", lambda options: listing):
        page = paging.read_page(options, paging.TaskFilter(task_list=task_list))
    if len(page.records) != PAGE_SIZE:
        raise ArithmeticError(f"The page has {len(page.records)} tasks.")
    return listing.units
