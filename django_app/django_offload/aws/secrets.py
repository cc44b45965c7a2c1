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
            if "\0" in value:
                raise SecretUnreadable(name, references[name], "it contains a null character")
            # `echo` and editors add a line break, which is part of no password, key or address.
            try:
                environ[name] = value.rstrip("\r\n")
            except UnicodeEncodeError:
                # This exception has the whole value.
                raise SecretUnreadable(name, references[name], "it contains half a character") from None


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
    """Yield names and values from Secrets Manager. Read each secret once, also for several keys."""
    texts: dict[str, str] = {}
    for name, path in secrets:
        reference = f"secretsmanager:{path}"
        secret, key = split_key(path)
        if secret not in texts:
            result = call(name, reference, "secretsmanager", "get_secret_value", SecretId=secret)
            if "SecretString" not in result:
                raise SecretUnreadable(name, reference, "it contains bytes instead of text")
            texts[secret] = result["SecretString"]
        yield name, texts[secret] if key is None else value_of_key(name, reference, key, texts[secret])


def split_key(path: str) -> tuple[str, str | None]:
    """
    Return the name or ARN of a secret, and the key of the JSON object in it, or None for the whole text.

    The key may be written as by ECS ("name:key::") or by CloudFormation ("name:SecretString:key").
    """
    parts = path.split(":")
    size = 7 if parts[0] == "arn" else 1
    keys = [part for part in parts[size:] if part not in ("", "SecretString")]
    return ":".join(parts[:size]), keys[0] if keys else None


def value_of_key(name: str, reference: str, key: str, text: str) -> str:
    """Return the value of a key of a secret, as text. Raise SecretUnreadable if it has none."""
    try:
        values = json.loads(text)
    except ValueError:
        values = None  # The exception shows the text.
    if not isinstance(values, dict):
        raise SecretUnreadable(name, reference, "it isn't a JSON object, so it has no keys")
    if values.get(key) is None:
        raise SecretUnreadable(name, reference, f"its JSON object has no value for {key!r}")
    value = values[key]
    return value if isinstance(value, str) else json.dumps(value)


def call(name: str, reference: str, service: str, operation: str, **arguments: object) -> Any:
    try:
        return getattr(client(service, LEAN), operation)(**arguments)
    except failures() as exc:
        raise SecretUnreadable(name, reference, " ".join(str(exc).split())) from exc


READERS = {"ssm": read_parameters, "secretsmanager": read_secrets}
