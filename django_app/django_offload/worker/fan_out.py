"""Share out a backlog: the sweeper invokes its own function for groups of shards."""

import json
import logging
import os
from collections.abc import Callable
from datetime import datetime
from functools import partial

from ..aws import at_most, begin_together, client, under_way
from ..conf import ENV_ALIAS, Options
from ..protocol.record import SWEEP_EVERY
from .events import LambdaContext, place_of
from .sweep_event import GROUPS, SHARDS_ALIAS, ShardGroup
from .sweeping import Sweeper

logger = logging.getLogger("django_offload")

# A group starts in a process of its own, so with less time than this the sweeper goes on alone.
LEAST_SECONDS = 15.0
# Lambda accepts an event within milliseconds. One that takes longer would cost the sweep its time.
INVOKE_SECONDS = 5.0
# A sweeper sends about 3,000 records a second, and takes at most 500 of one shard (sweeping/pace.py). So
# another one speeds up nothing before this many shards have a backlog.
SHARDS_OF_ONE = 6


def share_out(sweeper: Sweeper, context: LambdaContext) -> None:
    """
    Leave the shards to other invocations of this function, if there is a backlog that takes one too long.

    The sweeper keeps the groups that Lambda didn't accept, and one more, each minute another one. If the
    account has no room for more invocations, Lambda drops them all, and every shard still has its turn.
    """
    # Entries move to the shards that writers use. With few of those, groups would crowd into the same ones.
    shards = min(len(sweeper.backlog), sweeper.store.shards(sweeper.options))
    groups = groups_for(shards, sweeper.left())
    if groups == 0:
        return
    kept = hand_over(sweeper.options, groups, context, sweeper.clock())
    sweeper.keep([number for group in kept for number in group.shards])
    text = "A backlog in %d shards of stack %s is swept by %d more invocations"
    logger.info(text, len(sweeper.backlog), sweeper.options.stack, groups - len(kept))


def groups_for(shards: int, seconds_left: float) -> int:
    """Return into how many groups to share out so many shards with a backlog, or 0 to go on alone."""
    if shards <= SHARDS_OF_ONE or seconds_left < LEAST_SECONDS:
        return 0
    return next((groups for groups in GROUPS if groups * SHARDS_OF_ONE >= shards), GROUPS[-1])


def hand_over(options: Options, groups: int, context: LambdaContext, now: datetime) -> list[ShardGroup]:
    """
    Invoke this function for each group of shards but one. Return that one, and those Lambda didn't accept.
    """
    name = own_name(context)
    shares = [
        ShardGroup(stack=options.stack, number=number, groups=groups, at=now) for number in range(groups)
    ]
    if name is None:
        return shares
    own = shares.pop(int(now.timestamp() / SWEEP_EVERY.total_seconds()) % groups)
    with at_most(INVOKE_SECONDS):
        results = begin_together(partial(begin_invoke, options, name, share) for share in shares)()
    return [
        own,
        *(share for share, result in zip(shares, results, strict=True) if not accepted(share, result)),
    ]


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
