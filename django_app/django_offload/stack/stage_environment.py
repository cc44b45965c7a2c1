"""What a stage adds to every function of a stack: variables, references to secrets, a network."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..aws.secrets import split_key
from ..conf import ENV_BUCKET, ENV_QUEUE_URLS, ENV_RELEASE, ENV_SECRETS, ENV_SHARDS, ENV_STACK, ENV_WRITES
from ..exceptions import ConfigurationError

SSM, SECRETS_MANAGER = "ssm", "secretsmanager"
# The names that AWS allows: https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html
# and https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html.
# Names of secrets that another service owns, such as RDS, contain a "!". The name of a secret that is a JSON
# object may be followed by one of its keys.
_PARAMETER = r"(ssm):(/?[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*)"
_NAME_AND_KEY = (
    r"(secretsmanager):((?:arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]+:secret:)?[A-Za-z0-9/_+=.@!-]+"
    r"(?::(?:SecretString:)?[^:]+(?:::)?)?)"
)
_REFERENCE = re.compile(f"{_PARAMETER}|{_NAME_AND_KEY}")
# Lambda refuses a configuration with these names. All others are free, also those that start with AWS_:
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
RESERVED_BY_LAMBDA = frozenset(
    {
        *("_HANDLER", "_X_AMZN_TRACE_ID", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR"),
        *("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_EXECUTION_ENV"),
        *("AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
        *("AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION"),
        *("AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME"),
        *("AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_RUNTIME_API"),
    }
)
_VARIABLE = re.compile(r"[A-Za-z][A-Za-z0-9_]+")
_RESERVED = {
    *("PYTHONPATH", "DJANGO_SETTINGS_MODULE"),
    *(ENV_STACK, ENV_BUCKET, ENV_QUEUE_URLS, ENV_SECRETS, ENV_RELEASE, ENV_WRITES, ENV_SHARDS),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Vpc:
    """The part of the customer's network in which the functions run, by the ids that AWS gave it."""

    subnets: Sequence[str]
    security_groups: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentTarget:
    """
    Where a stage is deployed.

    CloudFormation can import what an earlier stack kept only if the template spells its name out.
    """

    account: str
    region: str
    web_function: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StageEnvironment:
    """What a stage adds to every function of a stack, both web and workers."""

    environment: Mapping[str, str] = field(default_factory=dict)
    # By the name of a variable: "ssm:/path" or "secretsmanager:<name or ARN>". ":<key>" after that reads one
    # key of a secret that is a JSON object. Never the values.
    secrets: Mapping[str, str] = field(default_factory=dict)
    vpc: Vpc | None = None
    target: DeploymentTarget | None = None  # None: the template works in any account and region.


NO_STAGE_ENVIRONMENT = StageEnvironment()


def parse_secret_reference(reference: str) -> tuple[str, str]:
    """
    Return the service and the name in a reference to a secret, without the key of a JSON object.

    Raise ValueError if it is malformed.
    """
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        raise ValueError(f"{reference!r} is not a reference to a secret")
    return (SSM, match[2]) if match[1] else (SECRETS_MANAGER, split_key(match[4])[0])


def is_function_variable(name: str) -> bool:
    """Return True if a function may have a variable of that name, because Lambda doesn't set it itself."""
    return _VARIABLE.fullmatch(name) is not None and name not in RESERVED_BY_LAMBDA


def is_allowed_variable(name: str) -> bool:
    """Return True if a stage may give its functions a variable of that name."""
    return is_function_variable(name) and name not in _RESERVED


def check_stage_environment(stage_environment: StageEnvironment, alias: str) -> None:
    """Raise ConfigurationError if a function can't have these variables, secrets or network."""
    for name in (*stage_environment.environment, *stage_environment.secrets):
        if not is_allowed_variable(name):
            raise ConfigurationError(
                alias,
                f"The stage sets the variable '{name}', which functions can't have.",
                "Choose a name of letters, digits and underscores that neither Lambda nor the stack sets.",
            )
    for name, reference in stage_environment.secrets.items():
        if name in stage_environment.environment:
            raise ConfigurationError(
                alias,
                f"The stage has '{name}' both in its environment and in its secrets.",
                "Remove one of them.",
            )
        if not _REFERENCE.fullmatch(reference):
            raise ConfigurationError(
                alias,
                f"The secret '{name}' of the stage doesn't say where its value is stored.",
                "Give 'ssm:/path', 'secretsmanager:name' or, for a key of a secret that is a JSON object, "
                "'secretsmanager:name:key'. Never give the value itself.",
            )
    vpc = stage_environment.vpc
    if vpc is not None and not (vpc.subnets and vpc.security_groups):
        raise ConfigurationError(
            alias,
            "The stage's vpc has no subnets or no security groups.",
            "Name at least one of each, or remove the vpc.",
        )
