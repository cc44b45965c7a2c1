"""A stack that CloudFormation can't delete, as boto3 reads its answers."""

from types import SimpleNamespace
from typing import Any

import pytest

from django_offload.deploy.errors import StackDeleteFailed
from django_offload.deploy.release import stack_events
from django_offload.deploy.release.aws import AWS
from django_offload.deploy.release.deployment import Deployment
from tests.unit.aws.server import Scripted, says

ID = "arn:aws:cloudformation:eu-west-1:123456789012:stack/shop-dev/1"
GONE = (
    b"<ErrorResponse><Error><Code>ValidationError</Code>"
    b"<Message>Stack with id x does not exist</Message></Error></ErrorResponse>"
)


def stacks(status: str) -> Any:
    member = f"<StackName>shop-dev</StackName><StackId>{ID}</StackId><StackStatus>{status}</StackStatus>"
    return answer("DescribeStacks", f"<Stacks><member>{member}</member></Stacks>")


def events(*described: tuple[str, str, str]) -> Any:
    members = "".join(
        f"<member><EventId>{number}</EventId><LogicalResourceId>{name}</LogicalResourceId>"
        f"<ResourceStatus>{status}</ResourceStatus><ResourceStatusReason>{reason}</ResourceStatusReason>"
        "<Timestamp>2026-11-30T10:00:00Z</Timestamp></member>"
        for number, (name, status, reason) in reversed(list(enumerate(described)))
    )
    return answer("DescribeStackEvents", f"<StackEvents>{members}</StackEvents>")


def answer(action: str, result: str) -> Any:
    return says(f"<{action}Response><{action}Result>{result}</{action}Result></{action}Response>".encode())


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch) -> Deployment:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDTEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setattr(stack_events, "sleep", lambda seconds: None)
    made: Any = Deployment.__new__(Deployment)
    made.aws, made.stage = AWS("eu-west-1"), SimpleNamespace(name="dev", stack="shop-dev")
    made.lines = []
    made.announce = made.lines.append
    return made


OLD = ("Table", "CREATE_FAILED", "of yesterday")
FAILED = ("VpcFunction", "DELETE_FAILED", "The network interface is in use")
LATER = ("shop-dev", "DELETE_FAILED", "The following resource(s) failed to delete: [VpcFunction].")


def test_a_failed_deletion_tells_the_status_and_the_first_cause(
    deployment: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Scripted(
        stacks("UPDATE_COMPLETE"),
        events(OLD),
        answer("DeleteStack", ""),
        stacks("DELETE_IN_PROGRESS"),
        events(OLD),
        stacks("DELETE_FAILED"),
        events(OLD, FAILED, LATER),
        events(OLD, FAILED, LATER),
    )
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDFORMATION", server.url)

    with pytest.raises(StackDeleteFailed) as caught:
        deployment.delete_stack()

    server.close()
    assert str(caught.value) == (
        "The stack shop-dev is DELETE_FAILED: VpcFunction: The network interface is in use. What isn't "
        "deleted remains, and so do the packages. Fix these causes, then run manage.py offload_deploy "
        "--stage dev --delete again."
    )
    assert len(deployment.lines) == 2
    assert deployment.lines[0].endswith("VpcFunction: The network interface is in use")


@pytest.mark.parametrize("last", [stacks("DELETE_COMPLETE"), says(GONE, "400 Bad Request")])
def test_a_stack_that_is_gone_is_deleted(deployment: Any, monkeypatch: pytest.MonkeyPatch, last: Any) -> None:
    server = Scripted(
        *(
            stacks("CREATE_COMPLETE"),
            events(),
            answer("DeleteStack", ""),
            last,
            events(("A", "DELETE_COMPLETE", "")),
        )
    )
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDFORMATION", server.url)

    deployment.delete_stack()

    server.close()
    actions = [request.partition(b"Action=")[2].partition(b"&")[0] for request in server.requests]
    assert actions.count(b"DeleteStack") == 1
    assert actions[-1] in {b"DescribeStacks", b"DescribeStackEvents"}, "it was looked at until it was gone"


PROTECTED = (
    b"<ErrorResponse><Error><Code>ValidationError</Code><Message>Stack [shop-dev] cannot be deleted while "
    b"TerminationProtection is enabled</Message></Error></ErrorResponse>"
)
EXPIRED = (
    b"<ErrorResponse><Error><Code>ExpiredToken</Code><Message>The security token included in the request is "
    b"expired</Message></Error></ErrorResponse>"
)


def test_a_refused_deletion_has_the_status_and_cloudformations_words(
    deployment: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = says(PROTECTED, "400 Bad Request")
    server = Scripted(stacks("UPDATE_COMPLETE"), events(OLD), refused, stacks("UPDATE_COMPLETE"))
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDFORMATION", server.url)

    with pytest.raises(StackDeleteFailed) as caught:
        deployment.delete_stack()

    server.close()
    assert str(caught.value).startswith(
        "The stack shop-dev is UPDATE_COMPLETE: Stack [shop-dev] cannot be deleted while "
        "TerminationProtection is enabled. What isn't deleted remains"
    )


def test_a_deletion_whose_end_is_unknown_goes_on(deployment: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    expired = says(EXPIRED, "403 Forbidden")
    server = Scripted(stacks("UPDATE_COMPLETE"), events(OLD), answer("DeleteStack", ""), *[expired] * 2)
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDFORMATION", server.url)

    with pytest.raises(StackDeleteFailed) as caught:
        deployment.delete_stack()

    server.close()
    assert str(caught.value) == (
        "The stack shop-dev is CHANGE_IN_PROGRESS: The security token included in the request is expired. "
        "The deletion goes on. Wait until CloudFormation has finished, then run manage.py offload_deploy "
        "--stage dev --delete again."
    )
