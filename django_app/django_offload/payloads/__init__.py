"""What is too large, or too doubtful, for a message or a record."""

from ..aws.stand_ins import Clock, StandIns
from ..conf import Options
from ..exceptions import PayloadLost
from ..protocol.enqueued_task import Reference
from ..protocol.record import ARGUMENTS_PART, TaskRecord
from .base import Payloads, StoredObject

__all__ = [
    "Payloads",
    "StoredObject",
    "bucket_name",
    "fetch",
    "fetch_parts",
    "fetch_result",
    "payloads_of",
    "use",
]


def in_memory(clock: Clock) -> Payloads:
    from .memory import MemoryPayloads

    return MemoryPayloads()


stand_ins: StandIns[Payloads] = StandIns(lambda: None, in_memory)
use = stand_ins.use


def payloads_of(options: Options) -> Payloads | None:
    """Return the payloads of a stack: those installed, else its bucket's; None where it has no bucket."""
    if options.bucket is None:
        return None
    stand_in = stand_ins.get(options)
    if stand_in is not None:
        return stand_in
    from .s3 import S3Payloads

    bucket = bucket_name(options)
    return S3Payloads(bucket) if bucket else None


def bucket_name(options: Options) -> str | None:
    """Return the name of the stack's bucket, None where it has none."""
    from .s3 import bucket_name

    return bucket_name(options)


def fetch(reference: Reference, options: Options) -> str:
    """Return a text kept in the stack's bucket. Raise PayloadLost if it is gone, or not what was kept."""
    payloads = payloads_of(options)
    if payloads is None:
        raise PayloadLost(reference.key, "out of reach: OPTIONS['bucket'] is None now")
    return payloads.fetch(reference)


def fetch_parts(record: TaskRecord, options: Options) -> dict[str, str]:
    """Return the parts of a record that are kept in the bucket: large arguments, a large result."""
    parts = fetch_result(record, options)
    if record.enqueued.reference is not None:
        parts[ARGUMENTS_PART] = fetch(record.enqueued.reference, options)
    return parts


def fetch_result(record: TaskRecord, options: Options) -> dict[str, str]:
    """Return the part of a record that is a large result, kept in the bucket."""
    parts = {}
    if record.result_part is not None and record.result_reference is not None:
        parts[record.result_part] = fetch(record.result_reference, options)
    return parts
