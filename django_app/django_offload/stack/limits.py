"""How long and how large: the numbers of the template, and where each comes from."""

from datetime import timedelta

from ..protocol.record import MESSAGE_LIFE

RETENTION = MESSAGE_LIFE
# SQS's longest. A dead letter keeps the time of its first send: it needs more than its queue.
DEAD_LETTER_RETENTION = timedelta(days=14)
# Every give-back (a retry, a task that cannot start in time) counts as a receive for SQS.
RECEIVES_BEYOND_ATTEMPTS = 10
# A message must stay hidden while Lambda repeats a throttled invocation; AWS asks for six timeouts:
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
TIMEOUTS_HIDDEN = 6
LARGEST_MESSAGE = 1024 * 1024

# Of the dead-letter and the sweeper function, which run no task. The sweeper starts every minute.
SERVICE_TIMEOUT = timedelta(seconds=60)
SERVICE_MEMORY = 256
# Of the function that migrates the database, when somebody deploys: as long as Lambda lets it.
MIGRATION_TIMEOUT = timedelta(seconds=900)
MIGRATION_MEMORY = 512
# Of the queue that nobody but a person reads: long enough to look at a message.
LOOKED_AT = 300
DEAD_LETTER_BATCH, DEAD_LETTER_CONCURRENCY = 10, 2

# Of events that come without a queue: Lambda's most tries beyond the first, and how long it keeps one that it
# cannot start. After that the record alone keeps the task, and the sweeper sends it again.
TRIES, EVENT_AGE, SWEEP_AGE = 2, timedelta(hours=1), timedelta(seconds=60)

# How much longer than a result can be read its payload is kept. A record is claimed at the latest 22 days
# after its task was to start (queue, dead-letter queue, a day), so its arguments must be there that long; a
# result, written at the end, as long as it can be read. 30 days (record.PAYLOAD_LIFE) covers both defaults
# with a week to spare.
PAYLOAD_MARGIN = timedelta(days=8)
# Bodies that did not verify belong to no record: they are kept only for whoever looks into it.
DEAD_LIFE = timedelta(days=14)
UPLOAD_LIFE = timedelta(days=1)

# What a stage may choose from, beside what TASKS says: a template cannot reckon, so it holds the visibility
# timeout of each.
_TIMEOUTS = (30, 60, 120, 180, 300, 600, 900)


def timeouts(own: timedelta) -> list[int]:
    """Return the timeouts, in seconds, that a stage may choose for a queue whose own is `own`."""
    return sorted({*_TIMEOUTS, seconds(own)})


def visibility(timeout: timedelta, batch_window: timedelta = timedelta(0)) -> int:
    """Return the seconds a received message stays hidden from other receivers."""
    return seconds(TIMEOUTS_HIDDEN * timeout + batch_window)


def seconds(length: timedelta) -> int:
    """Return `length` in whole seconds, rounded up."""
    return -(-length // timedelta(seconds=1))


def days(length: timedelta) -> int:
    """Return `length` in whole days, rounded up."""
    return -(-length // timedelta(days=1))
