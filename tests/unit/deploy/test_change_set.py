"""Change sets: created, shown and executed."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from django_offload.deploy.errors import ChangeRefused, StackChangeFailed
from django_offload.deploy.release import change_set, stack_events
from django_offload.deploy.release.change_set import ChangeSet
from django_offload.management.commands import offload_deploy

NOTHING = "The submitted information didn't contain changes. Submit different information."
BUCKET_TAKEN = "shop-dev-payloads already exists"


def refusal(message: str) -> ClientError:
    return ClientError({"Error": {"Code": "ValidationError", "Message": message}}, "CreateChangeSet")


class CloudFormation:
    """A stack, and the outcome of its next change."""

    exceptions = SimpleNamespace(ClientError=ClientError)

    def __init__(self, *, status: str = "UPDATE_COMPLETE", described: dict[str, Any] | None = None) -> None:
        self.status, self.described = status, described or {"Status": "CREATE_COMPLETE", "Changes": []}
        self.arguments: dict[str, Any] = {}
        self.deleted: list[str] = []
        self.refuses: ClientError | None = None
        self.requests = 0

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:
        return {"Stacks": [{"StackId": StackName, "StackStatus": self.status}]}

    def create_change_set(self, **arguments: Any) -> dict[str, str]:
        self.arguments = arguments
        if self.refuses:
            raise self.refuses
        return {"Id": "arn"}

    def delete_change_set(self, *, StackName: str, ChangeSetName: str) -> None:
        self.deleted.append(ChangeSetName)

    def delete_stack(self, *, StackName: str) -> None:
        self.deleted.append(StackName)

    def execute_change_set(self, **arguments: Any) -> None:
        self.requests = 1

    def get_paginator(self, name: str) -> Any:
        pages = {
            "describe_change_set": [self.described],
            "describe_stack_events": [{"StackEvents": self.events()}],
        }
        return SimpleNamespace(paginate=lambda **arguments: pages[name])

    def events(self) -> list[dict[str, Any]]:
        """Return the newest first. The events of the change appear after some requests."""
        old = [event("Table", "CREATE_FAILED", "of yesterday"), event("shop-dev", "UPDATE_COMPLETE")]
        self.requests += self.requests > 0
        if self.requests < 3:  # The change is accepted, but has not started.
            return old
        return [
            event("shop-dev", "UPDATE_ROLLBACK_COMPLETE"),
            event("FunctionSweeper", "CREATE_FAILED", "Resource creation cancelled"),
            event("PayloadBucket", "CREATE_FAILED", BUCKET_TAKEN),
            *old,
        ]


def event(name: str, status: str, reason: str = "") -> dict[str, Any]:
    return {
        "EventId": f"{name}-{status}-{reason}",
        "Timestamp": datetime.now(UTC),
        "LogicalResourceId": name,
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
    }


def aws(cloudformation: CloudFormation) -> Any:
    return SimpleNamespace(client=lambda service: cloudformation)


def make(cloudformation: CloudFormation) -> ChangeSet | None:
    return change_set.create(
        aws(cloudformation), "shop-dev", template_url="https://x", parameters={"CodeKey": "k"}, tags={}
    )


def test_a_failed_change_names_its_first_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack_events, "sleep", lambda seconds: None)
    lines: list[str] = []
    change = ChangeSet(stack="shop-dev", arn="arn", creates=False, changes=())

    with pytest.raises(StackChangeFailed) as caught:
        change_set.execute(aws(CloudFormation(status="UPDATE_ROLLBACK_COMPLETE")), change, lines.append)

    assert str(caught.value) == (
        f"The stack shop-dev is UPDATE_ROLLBACK_COMPLETE: PayloadBucket: {BUCKET_TAKEN}. "
        "Fix these causes, then deploy again."
    )
    assert any(line.endswith(f"PayloadBucket: {BUCKET_TAKEN}") for line in lines)


@pytest.mark.parametrize(
    ("events", "reasons"),
    [
        ([("shop-dev", "UPDATE_ROLLBACK_IN_PROGRESS", "User Initiated")], ["shop-dev: User Initiated"]),
        (
            [
                ("shop-dev", "ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create: [Table]."),
                ("Queue", "CREATE_FAILED", "Resource creation cancelled"),
                ("Table", "CREATE_FAILED", "Your subscription was cancelled"),
            ],
            ["Table: Your subscription was cancelled"],
        ),
        ([("shop-dev", "UPDATE_ROLLBACK_COMPLETE", "")], []),
    ],
)
def test_a_stack_that_went_back_has_a_reason_if_cloudformation_gives_one(
    monkeypatch: pytest.MonkeyPatch, events: list[tuple[str, str, str]], reasons: list[str]
) -> None:
    cloudformation: Any = CloudFormation()
    monkeypatch.setattr(cloudformation, "events", lambda: [event(*one) for one in events])

    assert stack_events.failure_reasons(cloudformation, "shop-dev", frozenset()) == reasons


def test_a_region_that_refuses_a_long_timeout_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = (
        "1 validation error detected: Value '1800' at 'timeout' failed to satisfy constraint: "
        "Member must have value less than or equal to 900"
    )
    cloudformation: Any = CloudFormation()
    monkeypatch.setattr(cloudformation, "events", lambda: [event("Worker", "UPDATE_FAILED", refusal)])

    (reason,) = stack_events.failure_reasons(cloudformation, "shop-dev", frozenset())

    assert reason == (
        f"Worker: {refusal}. This region doesn't allow so long a timeout: set the queue's 'timeout' to 900 s "
        "or less, or deploy to a region that allows it."
    )


def test_a_change_whose_outcome_is_unknown_goes_on() -> None:
    class Lost(CloudFormation):
        def describe_stacks(self, *, StackName: str) -> dict[str, Any]:
            raise EndpointConnectionError(endpoint_url="https://aws")

    change = ChangeSet(stack="shop-dev", arn="arn", creates=False, changes=())

    with pytest.raises(StackChangeFailed) as caught:
        change_set.execute(aws(Lost()), change, lambda line: None)

    assert str(caught.value) == (
        'The stack shop-dev is CHANGE_IN_PROGRESS: Could not connect to the endpoint URL: "https://aws". '
        "The change goes on. Wait until CloudFormation has finished, then deploy again."
    )


def test_a_change_set_that_is_not_computed_in_time_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_set, "sleep", lambda seconds: None)

    with pytest.raises(ChangeRefused, match="has not computed the change set within 300 seconds"):
        make(CloudFormation(described={"Status": "CREATE_IN_PROGRESS"}))


def test_a_failed_rollback_names_the_command_that_continues_it() -> None:
    lines = str(StackChangeFailed("shop-dev", "UPDATE_ROLLBACK_FAILED", ["Table: throttled"]))

    assert lines.endswith(
        "Fix these causes, then run aws cloudformation continue-update-rollback --stack-name shop-dev, and "
        "deploy again."
    )


@pytest.mark.parametrize("way", ["status", "refusal"])
def test_a_change_set_without_changes_is_none(way: str) -> None:
    cloudformation = CloudFormation(described={"Status": "FAILED", "StatusReason": NOTHING})
    if way == "refusal":
        cloudformation.refuses = refusal("No updates are to be performed.")

    assert make(cloudformation) is None
    assert cloudformation.deleted == (["arn"] if way == "status" else [])


def test_a_refused_change_says_why_and_that_nothing_was_changed() -> None:
    cloudformation = CloudFormation(
        described={"Status": "FAILED", "StatusReason": "Template error: no such role"}
    )

    with pytest.raises(ChangeRefused, match=r"no such role\. Nothing was changed\. Correct TASKS"):
        make(cloudformation)


def test_create_imports_resources_that_an_earlier_deletion_kept() -> None:
    cloudformation = CloudFormation(status="REVIEW_IN_PROGRESS")

    change = make(cloudformation)

    assert cloudformation.arguments["ImportExistingResources"] is True
    assert cloudformation.arguments["ChangeSetType"] == "CREATE"
    assert change is not None
    assert change.creates


def test_imported_resources_are_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    def shown(action: str) -> list[str]:
        resource = {"Action": action, "ResourceType": "AWS::DynamoDB::Table", "LogicalResourceId": "Table"}
        change = ChangeSet(stack="shop-dev", arn="arn", creates=True, changes=({"ResourceChange": resource},))
        command, said = offload_deploy.Command(), list[str]()
        monkeypatch.setattr(command, "announce", said.append)
        command.show_changes(change)
        return said

    back = "  Import: an earlier deployment left it, and the stack adopts it with its data."
    assert shown("Import")[-1] == back
    assert back not in shown("Add")


def test_lines_mark_replacements_and_delete_removes_a_new_stack() -> None:
    resource = {"Action": "Modify", "ResourceType": "AWS::DynamoDB::Table", "LogicalResourceId": "Table"}
    changes = ({"ResourceChange": {**resource, "Replacement": "True"}},)
    change = ChangeSet(stack="shop-dev", arn="arn", creates=True, changes=changes)
    cloudformation = CloudFormation()

    change_set.delete(aws(cloudformation), change)

    assert [line.split() for line in change.lines()] == [
        ["Modify,", "REPLACED", "AWS::DynamoDB::Table", "Table"]
    ]
    assert cloudformation.deleted == ["arn", "shop-dev"]
