"""What a process in debug mode may call: the local AWS that runs for its project, and AWS only if allowed."""

import os
import shlex
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from hmac import new as new_hmac
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from secrets import token_hex
from stat import S_IMODE, S_ISREG
from urllib.parse import urlsplit

from ..conf import configured
from .loopback import is_loopback

# offload_local writes this file where it was started, and removes it at its end.
ENV_FILE = Path(".offload/env")
# A GET of this path and a challenge, on the port of Lambda, returns the answer() of the process.
CHALLENGE_PATH = "/offload-local/"
# The process runs on this machine, and only a busy one takes longer than some milliseconds.
ANSWER_SECONDS = 2.0
LARGEST_FILE = 16_384
# The variables without which a file describes no session.
NEEDED = frozenset(
    {
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_LAMBDA",
        "AWS_SECRET_ACCESS_KEY",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One start of offload_local, as its file describes it."""

    process: int
    token: str  # Only this process and the readers of its private file know it.
    stacks: tuple[str, ...]
    variables: Mapping[str, str]  # Those that lead an AWS client to it.

    def text(self) -> str:
        """Return the contents of the file, which a shell can read too."""
        notes = {"process": self.process, "token": self.token, "stacks": " ".join(self.stacks)}
        lines = [f"# {key}: {value}" for key, value in notes.items()]
        lines += [f"export {key}={shlex.quote(value)}" for key, value in sorted(self.variables.items())]
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def parse(cls, text: str) -> "Session | None":
        """Return the session that a file describes, or None if it describes none on this machine."""
        notes: dict[str, str] = {}
        variables: dict[str, str] = {}
        for line in text.splitlines():
            if line.startswith("# "):
                key, _, value = line[2:].partition(": ")
                notes[key] = value
            elif line.startswith("export AWS_"):
                key, _, value = line.removeprefix("export ").partition("=")
                try:
                    variables[key] = "".join(shlex.split(value))
                except ValueError:  # An unclosed quotation mark.
                    return None
        urls = [value for key, value in variables.items() if key.startswith("AWS_ENDPOINT_URL")]
        process, token = notes.get("process", ""), notes.get("token")
        if not process.isdecimal() or not token or not variables.keys() >= NEEDED:
            return None
        try:
            is_local = all(map(is_loopback, urls))
        except ValueError:  # One of them is no URL.
            return None
        if not is_local:
            return None
        return cls(
            process=int(process),
            token=token,
            stacks=tuple(notes.get("stacks", "").split()),
            variables=variables,
        )

    def answers(self) -> bool:
        """Return True if the process runs and proves that it has the token. A dead port answers at once."""
        if not is_running(self.process):
            return False
        challenge = token_hex(16)
        # The key of this start, because the port serves no other requests. No other port learns the token.
        headers = {"Authorization": f"AWS {self.variables['AWS_ACCESS_KEY_ID']}:unsigned"}
        try:
            address = urlsplit(self.variables["AWS_ENDPOINT_URL_LAMBDA"])
            connection = HTTPConnection(str(address.hostname), address.port or 80, timeout=ANSWER_SECONDS)
            try:
                connection.request("GET", f"{CHALLENGE_PATH}{challenge}", headers=headers)
                received = connection.getresponse().read(256)
            finally:
                connection.close()
        except (OSError, HTTPException, ValueError):
            return False
        return compare_digest(received, answer(self.token, challenge).encode())


def answer(token: str, challenge: str) -> str:
    """Return what proves to the sender of a challenge that this process has the token."""
    return new_hmac(token.encode(), challenge.encode(), sha256).hexdigest()


def is_running(process: int) -> bool:
    """Return True if a process with this id exists. Only a platform with POSIX signals can say no."""
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # It belongs to another account, or is no id at all.
        return isinstance(sys.exception(), PermissionError)
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundSession:
    """A session that answered, with the state of its file at that time."""

    session: Session
    path: Path
    stamp: tuple[int, int]

    @property
    def is_current(self) -> bool:
        """Whether the file is still the same. Each start of offload_local writes a new one."""
        try:
            return stamp_of(os.stat(self.path)) == self.stamp
        except OSError:
            return False


def stamp_of(status: os.stat_result) -> tuple[int, int]:
    return status.st_ino, status.st_mtime_ns


def find_session(folders: Iterable[Path], stacks: Collection[str]) -> FoundSession | None:
    """Return the session that runs one of `stacks` and whose file is in one of `folders`, or None."""
    for folder in folders:
        path = folder / ENV_FILE
        text, stamp = read_private(path)
        session = Session.parse(text)
        if session is not None and not set(stacks).isdisjoint(session.stacks) and session.answers():
            return FoundSession(session=session, path=path, stamp=stamp)
    return None


def read_private(path: Path) -> tuple[str, tuple[int, int]]:
    """Return the text and the stamp of a file that only this account can write and read, or an empty text."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return "", (0, 0)
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        private = S_ISREG(status.st_mode) and (
            os.name != "posix" or (status.st_uid == os.getuid() and not S_IMODE(status.st_mode) & 0o077)
        )
        text = file.read(LARGEST_FILE).decode("utf-8", "replace") if private else ""
    return text, stamp_of(status)


def project_folders() -> Iterator[Path]:
    """Yield where offload_local may have been started: the current folder, the project's, and those above."""
    module = sys.modules.get(os.environ.get("DJANGO_SETTINGS_MODULE", ""))
    starts = []
    with suppress(FileNotFoundError):  # The current folder may be deleted.
        starts.append(Path.cwd())
    if module is not None and module.__file__:
        starts.append(Path(os.path.abspath(module.__file__)).parent)
    yield from dict.fromkeys(folder for start in starts for folder in (start, *start.parents))


def find_session_of_project() -> FoundSession | None:
    """Return the running session that has a stack of TASKS, or None."""
    return find_session(project_folders(), {options.stack for options in configured().values()})


def forbidding_aliases(service: str) -> list[str]:
    """Return the aliases in TASKS that forbid a call to AWS. There are none if it goes somewhere else."""
    aliases = [alias for alias, options in configured().items() if not options.aws_in_debug]
    return [] if not aliases or names_endpoint(service) else aliases


def names_endpoint(service: str) -> bool:
    """Return True if the environment or a profile names another endpoint than AWS's own."""
    from .lean.endpoint import (
        CONFIGURED,
        endpoint_variable,
        names_endpoint_for,
        read_shared_config,
        resolve_by_botocore,
    )

    if names_endpoint_for(endpoint_variable(service)):
        return True
    if not CONFIGURED.search(read_shared_config(os.environ)):
        return False
    host = urlsplit(resolve_by_botocore(service)[0]).hostname or ""
    return not host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".api.aws"))
