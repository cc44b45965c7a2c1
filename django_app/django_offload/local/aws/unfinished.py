"""How many tasks in the tables and queues of this machine haven't ended."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ...conf import configured
from ...protocol.json_codec import to_micros
from ...protocol.record import READY, RUNNING

if TYPE_CHECKING:
    from .local_aws import LocalAWS

DEFERRED, WAITING = "deferred", "waiting"
KINDS = (DEFERRED, WAITING, "running")


def count_unfinished(aws: "LocalAWS") -> Mapping[str, int]:
    """
    Return how many tasks are deferred, waiting and running. The server must have run in this process.

    A deferred task waits for its time, and a waiting one for a worker.
    """
    counts: Counter[str] = Counter()
    ready_by_queue: Counter[str] = Counter()
    now = to_micros(datetime.now(UTC))
    for outputs in list(aws.outputs.values()):
        for attributes in aws.server.records(outputs["TableName"]):
            status = attributes["status"].value
            if status == READY:
                counts[DEFERRED if int(attributes["not_before"].value) > now else WAITING] += 1
                ready_by_queue[attributes["queue"].value] += 1
            elif status == RUNNING:
                counts["running"] += 1
    # Without a record at enqueue() there is only the message before the first claim.
    unrecorded = {
        (options.queue(queue), queue)
        for options in configured().values()
        if not options.record_at_enqueue and options.stack in aws.outputs
        for queue in options.queues
    }
    for name, queue in unrecorded:
        counts[WAITING] += max(0, aws.server.message_count(name) - ready_by_queue[queue])
    return {kind: counts[kind] for kind in KINDS}
