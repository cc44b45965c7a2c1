"""The secrets of a deployed function, which it reads from AWS once, when it starts."""

import json
import os
from collections.abc import Iterator, MutableMapping
from itertools import batched
from typing import Any

from ..conf import ENV_SECRETS
from ..exceptions import SecretUnreadable
from . import LEAN, client, failures

# https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html
MOST_PARAMETERS = 10


def load(environ: MutableMapping[str, str] = os.environ) -> None:
    """
    Put the values of the secrets that OFFLOAD_SECRETS names into `environ`, where the settings read them.

    Call it before Django loads its settings. Without OFFLOAD_SECRETS it does nothing. It logs no values.
    Raise SecretUnreadable for the first secret that cannot be read.
    """
    references: dict[str, str] = json.loads(environ.get(ENV_SECRETS) or "{}")
    secrets_by_service: dict[str, list[tuple[str, str]]] = {}
    for name, reference in references.items():
        service, _, key = reference.partition(":")
        secrets_by_service.setdefault(service, []).append((name, key))
    for service, secrets in secrets_by_service.items():
        if service not in READERS:
            name, key = secrets[0]
            raise SecretUnreadable(name, f"{service}:{key}", "the service is unknown")
        for name, value in READERS[service](secrets):
            environ[name] = value


def read_parameters(secrets: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield names and values from Systems Manager."""
    for batch in batched(secrets, MOST_PARAMETERS):
        keys = list(dict.fromkeys(key for _, key in batch))
        result = call(batch[0][0], f"ssm:{keys[0]}", "ssm", "get_parameters", Names=keys, WithDecryption=True)
        values = {parameter["Name"]: parameter["Value"] for parameter in result["Parameters"]}
        for name, key in batch:
            if key not in values:
                raise SecretUnreadable(name, f"ssm:{key}", "there is no such parameter")
            yield name, values[key]


def read_secrets(secrets: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield names and values from Secrets Manager."""
    for name, key in secrets:
        reference = f"secretsmanager:{key}"
        result = call(name, reference, "secretsmanager", "get_secret_value", SecretId=key)
        if "SecretString" not in result:
            raise SecretUnreadable(name, reference, "it contains bytes instead of text")
        yield name, result["SecretString"]


def call(name: str, reference: str, service: str, operation: str, **arguments: object) -> Any:
    try:
        return getattr(client(service, LEAN), operation)(**arguments)
    except failures() as exc:
        raise SecretUnreadable(name, reference, " ".join(str(exc).split())) from exc


READERS = {"ssm": read_parameters, "secretsmanager": read_secrets}
