"""Names inside the template: logical ids, and the roles that its functions play."""

from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING

from ..conf.validation import logical_name

if TYPE_CHECKING:
    from troposphere import Sub

# Of the alias by which the sweeper invokes itself. The other aliases are those of alias_id().
SHARDS_ALIAS_ID = "AliasSweeperShards"
TABLE, BUCKET, FAILED, SCHEDULE = "Table", "PayloadBucket", "FailedEvents", "SweeperSchedule"
# Of a schedule, below CloudFormation's 255 characters.
LONGEST_ID = 200
INDEX, HISTORY, SHARDED_HISTORY = "due", "history", "history-sharded"
# The indexes that list every record, by OPTIONS["history"]. CloudFormation creates or deletes one index in an
# update, so each value differs by one from the next.
HISTORY_INDEXES: Mapping[bool | str, tuple[str, ...]] = {
    False: (),
    True: (HISTORY,),
    "both": (HISTORY, SHARDED_HISTORY),
    "sharded": (SHARDED_HISTORY,),
}
DEAD_LETTER, SWEEPER, WEB, MIGRATE, SCHEDULER = "dead-letter", "sweeper", "web", "migrate", "scheduler"


def logical(name: str) -> str:
    """Return the name of a queue or function as part of a logical id, which has only letters and digits."""
    return logical_name(name)


def queue_id(queue_name: str) -> str:
    return f"Queue{logical(queue_name)}"


def dead_letter_queue_id(queue_name: str) -> str:
    return f"DeadLetterQueue{logical(queue_name)}"


def function_id(role: str) -> str:
    return f"Function{logical(role)}"


def log_group_id(role: str) -> str:
    return f"LogGroup{logical(role)}"


def role_id(role: str) -> str:
    return f"Role{logical(role)}"


def alias_id(role: str) -> str:
    return f"Alias{logical(role)}"


def version_id(role: str) -> str:
    return f"Version{logical(role)}"


def schedule_id(alias: str, name: str) -> str:
    """Return the logical id of a schedule, which has only letters and digits whatever the alias has."""
    logical_id = logical(f"{alias}-{name}")
    if not (logical_id.isascii() and logical_id.isalnum() and len(logical_id) <= LONGEST_ID):
        logical_id = f"{logical(name)}{sha256(alias.encode()).hexdigest()[:16]}"
    return f"{logical_id}Schedule"


def mapping_id(role: str, queue_name: str) -> str:
    return f"Mapping{logical(role)}From{logical(queue_name)}"


def worker(queue_name: str) -> str:
    """Return the role of a queue's worker, as conf.Options.function takes it."""
    return f"{queue_name}-worker"


def function_arn(function_name: str) -> "Sub":
    """Return a function's ARN built from its name, because a role may need it before the function exists."""
    from troposphere import Sub

    return Sub(
        f"arn:${{AWS::Partition}}:lambda:${{AWS::Region}}:${{AWS::AccountId}}:function:{function_name}"
    )
