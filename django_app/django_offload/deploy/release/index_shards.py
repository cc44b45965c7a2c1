"""How many shards of the sweeper's index a version writes to and reads, and which changes that allows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...conf import ENV_SHARDS
from ...protocol.shards import OLD_SHARDS, READ_SHARDS, Band, partitions
from ...stack.names import INDEX, SWEEPER, function_id
from ...stack.versions import LIVE
from ...stores.dynamodb import LOCAL_SHARDS
from ..errors import ChangeTooEarly
from .aws import AWS


@dataclass(frozen=True, slots=True, kw_only=True)
class Shards:
    """Over how many shards a version writes, and how many of each band its sweeper reads."""

    written: int
    read: int

    @classmethod
    def of(cls, variables: Mapping[str, Any]) -> "Shards":
        """Return what a function's variables say. Releases up to 0.1.0 knew two shards, and say nothing."""
        written, _, read = str(variables.get(ENV_SHARDS, "")).partition("/")
        if not (written.isdecimal() and read.isdecimal()):
            return cls(written=OLD_SHARDS, read=OLD_SHARDS)
        return cls(written=int(written), read=int(read))


def live_shards(aws: AWS, sweeper: str) -> Shards | None:
    """Return what the version of the sweeper says that runs now, or None if there is no sweeper."""
    client = aws.client("lambda")
    for qualifier in ({"Qualifier": LIVE}, {}):  # Local AWS has no aliases.
        try:
            function = client.get_function_configuration(FunctionName=sweeper, **qualifier)
        except client.exceptions.ResourceNotFoundException:
            continue
        return Shards.of(function.get("Environment", {}).get("Variables", {}))
    return None


def shards_in(template: Mapping[str, Any]) -> Shards:
    """Return what the sweeper of a template says."""
    properties = template["Resources"][function_id(SWEEPER)]["Properties"]
    return Shards.of(properties.get("Environment", {}).get("Variables", {}))


def check_deployment(stack: str, live: Shards | None, shards: int) -> None:
    """Raise ChangeTooEarly if the sweeper to which one could roll back wouldn't read all `shards`."""
    if live is None or shards <= live.read:
        return
    raise ChangeTooEarly(
        stack,
        f"runs a sweeper that reads {live.read} shards, and OPTIONS['shards'] is {shards}. No rollback would "
        "find the tasks in the others.",
        f"Deploy once with OPTIONS['shards'] = {live.read}. Then set it to {shards} and deploy again.",
    )


def check_rollback(stack: str, live: Shards | None, target: Shards, configured: int) -> None:
    """Raise ChangeTooEarly if the sweeper of the release `target` reads fewer shards than are written to."""
    written = max(configured, live.written if live else 0)
    if written <= target.read:
        return
    origin = "OPTIONS['shards']" if configured == written else "The deployed OPTIONS['shards']"
    raise ChangeTooEarly(
        stack,
        f"can't roll back to a sweeper that reads {target.read} shards. {origin} is {written}.",
        f"Set OPTIONS['shards'] to {target.read} and deploy. Roll back when the tasks in the other shards "
        "have moved or ended.",
    )


def check_moved(aws: AWS, stack: str, table: str, target: Shards) -> int:
    """
    Return how many shards hold dead letters and failed tasks that the release `target` doesn't list.

    Raise ChangeTooEarly if its sweeper wouldn't find a task that waits or runs.
    """
    if target.read >= READ_SHARDS:
        return 0
    waiting = shards_in_use(aws, table, Band.RESCUE, Band.DEFERRED)
    if waiting:
        raise ChangeTooEarly(
            stack,
            f"can't roll back yet: {waiting} shards that the older sweeper doesn't read hold tasks that wait "
            "or run.",
            "Roll back when these have ended. With OPTIONS['shards'] at 2, a task also moves when the "
            "sweeper looks at it, which is 14 minutes before the start of a deferred one.",
        )
    return shards_in_use(aws, table, Band.DEAD, Band.FAILED)


def shards_in_use(aws: AWS, table: str, *bands: Band) -> int:
    """Return how many partitions of these bands have an entry, without those of releases up to 0.1.0."""
    dynamodb, shards = aws.client("dynamodb"), LOCAL_SHARDS if aws.is_local else READ_SHARDS
    return sum(
        dynamodb.query(
            TableName=table,
            IndexName=INDEX,
            KeyConditionExpression="due_shard = :shard",
            ExpressionAttributeValues={":shard": {"N": str(number)}},
            Select="COUNT",
            Limit=1,
        )["Count"]
        for number in partitions(*bands, shards=shards, old=False)
    )
