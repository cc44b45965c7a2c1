"""The secrets of a deployed function: read once, when it starts, from where its stage says they lie."""

import json
import os
from collections.abc import Iterator, MutableMapping
from itertools import batched
from typing import Any

from ..conf import ENV_SECRETS
from ..exceptions import SecretUnreadable
from . import LEAN, client, failures

# Of Systems Manager's GetParameters: https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html
MOST_PARAMETERS = 10


def load(environ: MutableMapping[str, str] = os.environ) -> None:
    """
    Put the value of each secret of OFFLOAD_SECRETS into `environ`, for the settings to read.

    Call it before Django's settings are loaded; without OFFLOAD_SECRETS it does nothing and asks nobody.
    No value is logged. Raise SecretUnreadable for the first that cannot be read.
    """
    references: dict[str, str] = json.loads(environ.get(ENV_SECRETS) or "{}")
    by_service: dict[str, list[tuple[str, str]]] = {}
    for name, reference in references.items():
        service, _, key = reference.partition(":")
        by_service.setdefault(service, []).append((name, key))
    for service, wanted in by_service.items():
        if service not in _READERS:
            raise SecretUnreadable(wanted[0][0], f"{service}:{wanted[0][1]}", "the service is unknown")
        for name, value in _READERS[service](wanted):
            environ[name] = value


def _parameters(wanted: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield names and values of Systems Manager's parameters."""
    for some in batched(wanted, MOST_PARAMETERS):
        keys = list(dict.fromkeys(key for _, key in some))
        said = _ask(some[0][0], f"ssm:{keys[0]}", "ssm", "get_parameters", Names=keys, WithDecryption=True)
        values = {found["Name"]: found["Value"] for found in said["Parameters"]}
        for name, key in some:
            if key not in values:
                raise SecretUnreadable(name, f"ssm:{key}", "there is no such parameter")
            yield name, values[key]


def _managed(wanted: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield names and values of Secrets Manager's secrets."""
    for name, key in wanted:
        reference = f"secretsmanager:{key}"
        said = _ask(name, reference, "secretsmanager", "get_secret_value", SecretId=key)
        if "SecretString" not in said:
            raise SecretUnreadable(name, reference, "it holds bytes instead of text")
        yield name, said["SecretString"]


def _ask(name: str, reference: str, service: str, action: str, **arguments: object) -> Any:
    try:
        return getattr(client(service, LEAN), action)(**arguments)
    except failures() as exc:
        raise SecretUnreadable(name, reference, " ".join(str(exc).split())) from exc


_READERS = {"ssm": _parameters, "secretsmanager": _managed}
