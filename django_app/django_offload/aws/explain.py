"""What an error of either client of AWS means to whoever caused it, and what to do about it."""

from ..exceptions import Refusal, aws_message

# By class name and code, so that this module never imports botocore. The first that fits wins.
_HINTS_BY_CLASS = {
    "EndpointConnectionError": "Check the network and AWS_ENDPOINT_URL, or start manage.py offload_local.",
    "NoCredentialsError": "Give credentials: AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
    "PartialCredentialsError": "Give both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
    "CredentialRetrievalError": "Log in again (aws sso login), or give other credentials.",
    "TokenRetrievalError": "Log in again (aws sso login), or give other credentials.",
    "ProfileNotFound": "Correct AWS_PROFILE, or add the profile to ~/.aws/config.",
    "NoRegionError": "Set AWS_DEFAULT_REGION.",
    "InvalidRegionError": "Correct AWS_DEFAULT_REGION.",
    "HTTPClientError": "Check the network and AWS_ENDPOINT_URL, then try again.",
    "BotoCoreError": "Check the AWS configuration of this environment (aws configure list).",
}
_DEPLOY = "Deploy the stack, or correct OPTIONS['stack'], AWS_DEFAULT_REGION or AWS_ENDPOINT_URL."
_LOG_IN = "Renew the credentials in use (aws sts get-caller-identity shows whose they are)."
_ALLOW = "Allow this action to the credentials in use (aws sts get-caller-identity shows whose they are)."
_HINTS_BY_CODE = {
    "AccessDenied": _ALLOW,
    "AccessDeniedException": _ALLOW,
    "UnauthorizedOperation": _ALLOW,
    "ExpiredToken": _LOG_IN,
    "ExpiredTokenException": _LOG_IN,
    "InvalidClientTokenId": _LOG_IN,
    "SignatureDoesNotMatch": _LOG_IN,
    "UnrecognizedClientException": _LOG_IN,
    "AWS.SimpleQueueService.NonExistentQueue": _DEPLOY,
    "NoSuchBucket": _DEPLOY,
    "QueueDoesNotExist": _DEPLOY,
    "ResourceNotFoundException": _DEPLOY,
}
_OTHER_CODE = "Try again; if it stays, look the code up in AWS's documentation of this action."


def explain(exc: BaseException) -> str | None:
    """Return what happened and what to do, on one line; None for what is no error of a client of AWS."""
    classes = [cls.__name__ for cls in type(exc).__mro__ if cls.__module__ == "botocore.exceptions"]
    if "ClientError" in classes or isinstance(exc, Refusal):
        return _refusal(exc)
    for name in classes:
        if name in _HINTS_BY_CLASS:
            return f"AWS was not reached: {_one_line(exc)} {_HINTS_BY_CLASS[name]}"
    return None


def _refusal(exc: BaseException) -> str:
    response: dict[str, dict[str, str]] = getattr(exc, "response", {})
    code = response.get("Error", {}).get("Code", "Unknown")
    operation = getattr(exc, "operation_name", "a call")
    message = _one_line(response.get("Error", {}).get("Message", ""))
    return f"AWS refused {operation} with {code}: {message} {_HINTS_BY_CODE.get(code, _OTHER_CODE)}"


def _one_line(said: object) -> str:
    text = aws_message(said)
    return text if text.endswith((".", "!", "?")) else f"{text}."
