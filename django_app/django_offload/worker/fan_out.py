"""Share out a backlog: the sweeper invokes its own function for groups of shards."""

import json
import logging
import os
from collections.abc import Callable
from datetime import datetime
from functools import partial

from ..aws import at_most, begin_together, client, under_way
from ..conf import ENV_ALIAS, Options
from .events import LambdaContext, place_of
from .sweep_event import MOST_GROUPS, SHARDS_ALIAS, ShardGroup

logger = logging.getLogger("django_offload")

# A group starts its own process, so with less time than this the sweeper goes on alone.
LEAST_SECONDS = 15.0
# Lambda accepts an event within milliseconds. One that takes longer would cost the sweep its time.
INVOKE_SECONDS = 5.0


def groups_for(backlog: int, seconds_left: float) -> int:
    """
    Return into how many groups to share out the shards, or 0 to do everything in this invocation.

    `backlog` is the number of shards that hold more than has been read of them. A shard's records are sent
    by one group, so there are no more groups than such shards.
    """
    groups = min(backlog, MOST_GROUPS)
    return groups if groups > 1 and seconds_left >= LEAST_SECONDS else 0


def share_out(options: Options, groups: int, context: LambdaContext, now: datetime) -> list[ShardGroup]:
    """
    Invoke this function for each group. Return the groups that it couldn't be invoked for.

    The caller sweeps those itself. It leaves the others, because each is swept by an invocation of its own.
    If that one is lost too, the next sweep finds the same records.
    """
    name = own_name(context)
    shares = [
        ShardGroup(stack=options.stack, number=number, groups=groups, at=now) for number in range(groups)
    ]
    if name is None:
        return shares
    with at_most(INVOKE_SECONDS):
        results = begin_together(partial(begin_invoke, options, name, share) for share in shares)()
    return [share for share, result in zip(shares, results, strict=True) if not accepted(share, result)]


def begin_invoke(options: Options, name: str, share: ShardGroup) -> Callable[[], None]:
    """Begin an asynchronous invocation. Return a callable that waits until Lambda has accepted it."""
    awslambda = client("lambda", options.client)
    payload = json.dumps(share.event()).encode("ascii")
    wait = under_way(awslambda, "invoke", FunctionName=name, InvocationType="Event", Payload=payload)

    def finish() -> None:
        wait()["Payload"].read()  # Otherwise the connection could not be used again.

    return finish


def accepted(share: ShardGroup, result: Exception | None) -> bool:
    """Return True if Lambda accepted the event of a group. Otherwise log why it didn't."""
    if result is not None:
        text = "Group %d of %d of stack %s couldn't be handed over, so this sweep does its work: %s"
        logger.warning(text, share.number, share.groups, share.stack, result)
    return result is None


def own_name(context: LambdaContext) -> str | None:
    """Return the ARN by which the running function invokes itself, or None if it isn't known."""
    place = place_of(context)
    if place is None:
        return None
    # Local AWS has no aliases.
    alias = f":{SHARDS_ALIAS}" if os.environ.get(ENV_ALIAS) else ""
    return place.arn("lambda", f"function:{context.function_name}{alias}")
