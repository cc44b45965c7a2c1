"""What a stage adds to every function of a stack: variables, secrets by reference, a network."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..conf import ENV_BUCKET, ENV_QUEUE_URLS, ENV_RELEASE, ENV_SECRETS, ENV_STACK, ENV_WRITES
from ..exceptions import ConfigurationError

SSM, SECRETS_MANAGER = "ssm", "secretsmanager"
# What AWS allows as names: https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html
# and https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
_REFERENCE = re.compile(
    r"(ssm):(/?[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*)|(secretsmanager):([A-Za-z0-9/_+=.@:-]+)"
)
_VARIABLE = re.compile(r"[A-Za-z][A-Za-z0-9_]+")
_TAKEN = {
    *("PYTHONPATH", "DJANGO_SETTINGS_MODULE"),
    *(ENV_STACK, ENV_BUCKET, ENV_QUEUE_URLS, ENV_SECRETS, ENV_RELEASE, ENV_WRITES),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Vpc:
    """Where in a network of the customer's the functions stand: ids, as AWS gives them."""

    subnets: Sequence[str]
    security_groups: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """
    Where a stack is deployed.

    CloudFormation takes back what an earlier stack kept only under a name that is spelled out.
    """

    account: str
    region: str
    web_function: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a stage adds to every function of a stack, web and workers alike."""

    environment: Mapping[str, str] = field(default_factory=dict)
    # By the name of a variable: "ssm:/path" or "secretsmanager:<name or ARN>". Values never travel.
    secrets: Mapping[str, str] = field(default_factory=dict)
    vpc: Vpc | None = None
    place: Place | None = None  # None: the template fits any.


NO_SURROUNDINGS = Surroundings()


def parse(reference: str) -> tuple[str, str]:
    """Return service and name of a secret's reference. Raise ValueError if it is none."""
    found = _REFERENCE.fullmatch(reference)
    if found is None:
        raise ValueError(f"{reference!r} is not a reference to a secret")
    return (SSM, found[2]) if found[1] else (SECRETS_MANAGER, found[4])


def is_free(name: str) -> bool:
    """Tell whether a stage may give its functions a variable of that name."""
    theirs = name in _TAKEN or name.startswith(("AWS_", "LAMBDA_"))
    return not theirs and _VARIABLE.fullmatch(name) is not None


def check(surroundings: Surroundings, alias: str) -> None:
    """Raise ConfigurationError for what a function cannot be given."""
    for text, hint in _problems(surroundings):
        raise ConfigurationError(alias, text, hint)


def _problems(surroundings: Surroundings) -> Iterator[tuple[str, str]]:
    """Yield what is wrong, and what to do about it."""
    for name in (*surroundings.environment, *surroundings.secrets):
        if not is_free(name):
            yield (
                f"The stage gives the functions a variable '{name}', which they cannot have.",
                "Choose a name of letters, digits and underscores that is neither AWS's nor the stack's own.",
            )
    for name, reference in surroundings.secrets.items():
        if name in surroundings.environment:
            yield f"The stage has '{name}' in its environment and among its secrets.", "Remove one of them."
        if not _REFERENCE.fullmatch(reference):
            yield (
                f"The secret '{name}' of the stage does not say where its value lies.",
                "Give 'ssm:/path' or 'secretsmanager:name', never the value itself.",
            )
    vpc = surroundings.vpc
    if vpc is not None and not (vpc.subnets and vpc.security_groups):
        yield (
            "The stage's vpc lacks subnets or security groups.",
            "Name at least one of each, or leave out the vpc.",
        )
