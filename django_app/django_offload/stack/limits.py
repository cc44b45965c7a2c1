"""The durations and sizes in the template, and where each number comes from."""

from datetime import timedelta

from ..conf import aws_limits
from ..protocol.record import MESSAGE_LIFE

RETENTION = MESSAGE_LIFE
# A dead letter keeps the time of its first send, so this must exceed RETENTION.
DEAD_LETTER_RETENTION = aws_limits.QUEUE_RETENTION
# SQS counts a receive each time a worker returns a message: for a retry, or because too little time remains.
RECEIVES_BEYOND_ATTEMPTS = 10
# A message must stay hidden while Lambda retries a throttled invocation. AWS recommends six timeouts:
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
TIMEOUTS_HIDDEN = 6
LARGEST_MESSAGE = aws_limits.QUEUE_MESSAGE

# The dead-letter function and the sweeper run no tasks. The sweeper starts every minute.
SERVICE_TIMEOUT = timedelta(seconds=60)
SERVICE_MEMORY = 256
# A sweep needs 46 MB, and 0.2 ms of CPU time for a record. Lambda gives a processor for 1,769 MB, so this is
# enough for some 2,900 records a second: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
SWEEPER_MEMORY = 1_024
# Migrations run during a deployment and may take as long as Lambda allows in every region.
MIGRATION_TIMEOUT = aws_limits.FUNCTION_TIMEOUT_EVERYWHERE
MIGRATION_MEMORY = 512
# Visibility timeout, in seconds, of the queue of failed events. Only people read it.
FAILED_EVENTS_VISIBILITY = 300
DEAD_LETTER_BATCH, DEAD_LETTER_CONCURRENCY = 10, 2

# For events that don't come from a queue: Lambda's maximum of retries, and how long Lambda keeps an event
# that it can't start. After that only the record has the task, and the sweeper sends it again.
EVENT_RETRIES, EVENT_AGE, SWEEP_AGE = 2, timedelta(hours=1), timedelta(seconds=60)

# How much longer a payload is kept than its result can be read. A task is claimed at the latest 22 days after
# its start time (queue, dead-letter queue, one day), so its arguments must exist that long. Its result is
# written at the end. 30 days (record.PAYLOAD_LIFE) cover both defaults with a week to spare.
PAYLOAD_MARGIN = timedelta(days=8)
# Bodies whose signature is wrong belong to no record. They are kept so that a person can examine them.
DEAD_LIFE = timedelta(days=14)
UPLOAD_LIFE = timedelta(days=1)

# The timeouts that a stage may choose besides the one in TASKS. A template can't multiply, so it contains the
# visibility timeout for each. Those over 900 s work where your region allows them.
_TIMEOUTS = (30, 60, 120, 180, 300, 600, 900, 1_200, 1_800)


def timeouts(own: timedelta) -> list[int]:
    """Return the timeouts, in seconds, that a stage may choose for a queue with the timeout `own`."""
    return sorted({*_TIMEOUTS, seconds(own)})


def visibility(timeout: timedelta, batch_window: timedelta = timedelta(0)) -> int:
    """Return how many seconds a received message stays hidden from other receivers."""
    return seconds(TIMEOUTS_HIDDEN * timeout + batch_window)


def seconds(length: timedelta) -> int:
    """Return `length` in whole seconds, rounded up."""
    return -(-length // timedelta(seconds=1))


def days(length: timedelta) -> int:
    """Return `length` in whole days, rounded up."""
    return -(-length // timedelta(days=1))
