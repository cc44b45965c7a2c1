"""The environment variables that lead every AWS client to this machine and to no other AWS."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from ..aws.development import ENV_FILE, Session, read_private
from .errors import NotThisMachine

DEFAULT_REGION = "us-east-1"


def variables(
    endpoint: str, *, region: str, access_key: str, lambda_endpoint: str | None = None
) -> dict[str, str]:
    """
    Return the variables that make boto3 in any process call the AWS on this machine.

    Its servers require the access key, and don't check signatures. The variables also hide the user's
    own configuration files, because a profile there may name other endpoints or keys.
    """
    environment = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    if lambda_endpoint is not None:
        environment["AWS_ENDPOINT_URL_LAMBDA"] = lambda_endpoint
    return environment


def without_aws(environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` without any AWS variable, such as a profile, a session token or an endpoint."""
    return {key: value for key, value in environ.items() if not key.startswith("AWS_")}


@contextmanager
def applied(changes: Mapping[str, str]) -> Iterator[None]:
    """Give this process `changes` and no other AWS variable until the block ends."""
    before = {key: value for key, value in os.environ.items() if key.startswith("AWS_") or key in changes}
    for key in before:
        del os.environ[key]
    os.environ.update(changes)
    try:
        yield
    finally:
        for key in changes:
            os.environ.pop(key, None)
        os.environ.update(before)


def refuse_other_aws(environ: Mapping[str, str]) -> None:
    """Raise NotThisMachine if `environ` names an endpoint that is not on loopback."""
    for variable, value in environ.items():
        if not variable.startswith("AWS_ENDPOINT_URL") or not value:
            continue
        host = urlsplit(value).hostname or ""
        try:
            loopback = ip_address(host).is_loopback
        except ValueError:
            loopback = host == "localhost"
        if not loopback:
            raise NotThisMachine(variable, value)


@contextmanager
def env_file(session: Session) -> Iterator[Path]:
    """
    Keep .offload/env in the current directory until the block ends.

    Other processes of the project find the session by it, and shells can read it.
    """
    path, text = ENV_FILE.absolute(), session.text()
    private_folder(path.parent)
    before, _ = read_private(path)
    path.unlink(missing_ok=True)
    write_private(path, text)
    try:
        yield path
    finally:
        # Another local AWS may have started here since and written its own file.
        if path.exists() and path.read_text() == text:
            path.unlink()
            if is_running(Session.parse(before)):  # It was started before this one, and goes on.
                write_private(path, before)


def other_start() -> str:
    """Return what to know if another offload_local runs in the current folder, else an empty text."""
    session = Session.parse(read_private(ENV_FILE)[0])
    if session is None or not is_running(session):
        return ""
    return (
        f"Another offload_local runs in this folder (process {session.process}). Other terminals use this "
        "one until it ends. If you don't need both, stop one."
    )


def is_running(session: Session | None) -> bool:
    return session is not None and session.answers()


def write_private(path: Path, text: str) -> None:
    """Create a file that only this account can read."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def private_folder(folder: Path) -> None:
    """Create a folder that only this account can read, and that git ignores."""
    folder.mkdir(mode=0o700, exist_ok=True)
    ignored = folder / ".gitignore"
    if not ignored.exists():
        ignored.write_text("*\n")
