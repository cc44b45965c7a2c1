"""Which connections a worker looks at."""

import asyncio

from django.db import DEFAULT_DB_ALIAS, connections

from django_offload.worker.connections import opened_connections


def test_the_connections_of_a_thread_are_those_that_django_finds():
    ours = connections[DEFAULT_DB_ALIAS]

    assert ours in opened_connections()
    assert opened_connections() == connections.all(initialized_only=True)


def test_the_connections_within_an_event_loop_are_those_that_django_finds():
    outside = connections[DEFAULT_DB_ALIAS]

    async def inside():
        before = opened_connections()
        return before, connections[DEFAULT_DB_ALIAS], opened_connections()

    before, ours, opened = asyncio.run(inside())

    assert before == []
    assert opened == [ours]
    assert ours is not outside
