"""
What can go wrong with a call to AWS.

    OffloadError
    └── CallFailed
        ├── NotConfigured       no region, or certificates that cannot be read
        │   └── NoCredentials   nobody to call as
        ├── NoAnswer            no connection, no answer in time, or one that breaks off
        │   └── StaleConnection … on a connection kept from before, of whose answer nothing was read
        └── Refusal             AWS said no
            ├── ConditionalCheckFailedException
            ├── ResourceNotFoundException
            └── QueueDoesNotExist

Refusals that somebody catches have a class of their own, named as boto3 names it.

A delivery that raises one of these comes again.
"""

from collections.abc import Mapping
from typing import Any

from ...exceptions import OffloadError

CHECK = "Check the network and AWS_ENDPOINT_URL, or start manage.py offload_local."


def told(message: object) -> str:
    """
    Return what AWS says, on one line.

    What it says of a signature goes on with the request as it should have been, session token included.
    """
    return " ".join(str(message).partition("The Canonical String")[0].split())


class CallFailed(OffloadError):
    """AWS did not do what it was asked, as far as it answered."""

    retryable = True


class NotConfigured(CallFailed):
    """The environment does not say where AWS is."""

    def __init__(self, problem: str, hint: str = "Set AWS_DEFAULT_REGION, or correct ~/.aws/config.") -> None:
        super().__init__(f"AWS was not reached: {problem}. {hint}")


class NoCredentials(NotConfigured):
    """The environment does not say who calls."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"no credentials, for {problem}",
            "Give credentials: AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
        )


class NoAnswer(CallFailed):
    """No connection, no answer in time, or one that breaks off."""

    def __init__(self, url: str, problem: str) -> None:
        self.url = url
        super().__init__(f'AWS was not reached: {problem} "{url}". {CHECK}')


class StaleConnection(NoAnswer):
    """A kept connection turned out to be closed before anything of an answer was read."""

    def __init__(self, url: str) -> None:
        super().__init__(url, "The connection was closed by the endpoint URL:")


class Refusal(CallFailed):
    """AWS answered that it did not do it; `response` is what botocore's ClientError would carry."""

    def __init__(self, operation: str, status: int, response: dict[str, Any]) -> None:
        self.operation_name, self.status, self.response = operation, status, response
        self.code: str = response["Error"]["Code"]
        self.headers: Mapping[str, str] = response["ResponseMetadata"]["HTTPHeaders"]
        said = told(response["Error"]["Message"]).rstrip(".")
        super().__init__(
            f"AWS refused {operation} with {self.code}{said and ': '}{said}. "
            "Look the code up in AWS's documentation of this action; if it should pass, try again."
        )


class ConditionalCheckFailedException(Refusal):
    """DynamoDB found the condition of a write not to hold."""


class ResourceNotFoundException(Refusal):
    """There is no such table, or no such function."""


class QueueDoesNotExist(Refusal):
    """There is no such queue."""
