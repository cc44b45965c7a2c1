"""What the doctor found, and what mends it."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from ...checks import LOOPBACK
from ...wire import client


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong; or, where `wrong` is False, good to know."""

    id: str  # Stable, for programs: "queue-missing".
    stack: str | None  # None: the project's, not one stack's.
    text: str
    mend: str  # The command or change that mends it.
    wrong: bool = True


def local() -> bool:
    """Tell whether AWS is a stand-in on this machine."""
    return urlsplit(client("sqs").meta.endpoint_url).hostname in LOOPBACK


def deploy(stack: str) -> str:
    """Return how to deploy a stack as TASKS describes it."""
    if local():
        return "Start manage.py offload_local again."
    return (
        f"Deploy the stack: manage.py offload_template --stack {stack} --output template.yaml, then "
        f"aws cloudformation deploy --stack-name {stack} --template-file template.yaml "
        "--capabilities CAPABILITY_IAM."
    )
