"""What an error of AWS's clients means to users, and what they can do about it."""

from typing import Any

from ..exceptions import Refusal, aws_message

# By class name and by code, so that this module never imports botocore. The first class that matches wins.
HINTS_BY_CLASS = {
    "EndpointConnectionError": "Check the network and AWS_ENDPOINT_URL, or start manage.py offload_local.",
    "NoCredentialsError": "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
    "PartialCredentialsError": "Set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
    "CredentialRetrievalError": "Log in again (aws sso login), or use other credentials.",
    "TokenRetrievalError": "Log in again (aws sso login), or use other credentials.",
    "ProfileNotFound": "Correct AWS_PROFILE, or add the profile to ~/.aws/config.",
    "NoRegionError": "Set AWS_DEFAULT_REGION.",
    "InvalidRegionError": "Correct AWS_DEFAULT_REGION.",
    "HTTPClientError": "Check the network and AWS_ENDPOINT_URL, then try again.",
    "BotoCoreError": "Check the AWS configuration of this environment (aws configure list).",
}
DEPLOY = "Deploy the stack, or correct OPTIONS['stack'], AWS_DEFAULT_REGION or AWS_ENDPOINT_URL."
RENEW = "Renew the credentials in use (aws sts get-caller-identity shows who owns them)."
ALLOW = "Allow this action for the credentials in use (aws sts get-caller-identity shows who owns them)."
HINTS_BY_CODE = {
    "AccessDenied": ALLOW,
    "AccessDeniedException": ALLOW,
    "UnauthorizedOperation": ALLOW,
    "ExpiredToken": RENEW,
    "ExpiredTokenException": RENEW,
    "InvalidClientTokenId": RENEW,
    "SignatureDoesNotMatch": RENEW,
    "UnrecognizedClientException": RENEW,
    "AWS.SimpleQueueService.NonExistentQueue": DEPLOY,
    "NoSuchBucket": DEPLOY,
    "QueueDoesNotExist": DEPLOY,
    "ResourceNotFoundException": DEPLOY,
}
OTHER_CODE = "Try again. If it fails again, look up the code in AWS's documentation of this action."


def explain(exc: BaseException) -> str | None:
    """Return what happened and what to do, on one line; None if AWS's clients do not raise this exception."""
    classes = [cls.__name__ for cls in type(exc).__mro__ if cls.__module__ == "botocore.exceptions"]
    if "ClientError" in classes or isinstance(exc, Refusal):
        response: dict[str, dict[str, str]] = getattr(exc, "response", {})
        error = response.get("Error", {})
        code, message = error.get("Code", "Unknown"), sentence(error.get("Message", ""))
        operation = getattr(exc, "operation_name", "a call")
        return f"AWS refused {operation} with {code}: {message} {HINTS_BY_CODE.get(code, OTHER_CODE)}"
    waited = waiter_failure(exc)
    if waited is not None:
        return f"AWS could not finish a change: {sentence(waited)} Correct the cause, then try again."
    for name in classes:
        if name in HINTS_BY_CLASS:
            return f"AWS was not reached: {sentence(exc)} {HINTS_BY_CLASS[name]}"
    return None


def waiter_failure(exc: BaseException) -> str | None:
    """Return the state and the reason that AWS gave to a client that waited, or None for other exceptions."""
    if "WaiterError" not in [cls.__name__ for cls in type(exc).__mro__]:
        return None
    response: Any = getattr(exc, "last_response", None) or {}
    # The shapes of CloudFormation, and of Lambda's two operations on functions.
    described = (response.get("Stacks") or [response.get("Configuration") or response])[0]
    names = ("StackStatus", "StackStatusReason", "State", "StateReason")
    texts = [described.get(name) for name in (*names, "LastUpdateStatus", "LastUpdateStatusReason")]
    return ": ".join(text for text in texts if text) or " ".join(str(exc).split())


def sentence(message: object) -> str:
    """Return AWS's message on one line, with a full stop."""
    text = aws_message(message)
    return text if text.endswith((".", "!", "?")) else f"{text}."
