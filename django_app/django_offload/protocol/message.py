"""
The signed message, version 1 to 3: one line of compact ASCII JSON.

    {"v":1,"kid":"3f0c…","id":…,"alias":…,"name":…,"queue":…,"args":[…],"kwargs":{…},
     "enqueued_at":…,"expires_at":…, optional: "run_after" "owner" "depth" "traceparent" "tenant" "options",
     "sig":"…"}

Version 2 also has the "root", before "options": the task whose budget counts this one. A worker that doesn't
know it would enqueue without counting, so it gives the message back. Version 3 also has "unique", the key
that only one task at a time may have: a worker that doesn't know it would not look at the key.

If the arguments are too large, "ref" replaces "args" and "kwargs": {"key":…,"sha256":…,"size":…}.

The signature is HMAC-SHA256 over the same text without "sig". Its key is derived from SECRET_KEY, and from
the stack and the queue that the message is for. Instants are whole microseconds since 1970 UTC.
"""

import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from json.encoder import encode_basestring_ascii as quoted
from typing import Any

from ..conf.aws_limits import QUEUE_MESSAGE
from ..exceptions import BadSignature, MalformedMessage, UnknownKey, UnknownVersion
from .enqueued_task import FIELD_TYPES, EnqueuedTask, Reference, is_id
from .json_codec import dump, from_micros, to_micros

VERSION = 3  # The latest. A message has the earliest version that says all it has to say.
# A chain of tasks that enqueue each other is taken for a mistake if it gets longer than this.
MAX_DEPTH = 1_000
# What JSON makes of each field. encode() leaves out those that have no value.
MESSAGE_TYPES: Mapping[str, type] = {
    **FIELD_TYPES,
    "expires_at": int,
    **dict.fromkeys(("kwargs", "ref", "options"), dict),
    "args": list,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskMessage:
    """The verified content of a message."""

    enqueued: EnqueuedTask
    expires_at: datetime  # No record is created from the message after this.


@dataclass(frozen=True, slots=True)
class Keyring:
    """The secrets of a process: the first one signs, all verify. `scope` is "<stack>:<queue>"."""

    secrets: Sequence[str]
    scope: str

    def signature(self, text: str, secret: str) -> str:
        # A copy costs half as much as hmac.digest().
        signature = keyed_hmac(self.scope, secret).copy()
        signature.update(text.encode("ascii"))
        return signature.hexdigest()

    def secret_of(self, kid: str) -> str:
        """Return the secret with this key id. Raise UnknownKey if there is none."""
        for secret in self.secrets:
            if key_id(secret) == kid:
                return secret
        raise UnknownKey(ascii(kid[:32])[1:-1])


@lru_cache(maxsize=100)
def keyed_hmac(scope: str, secret: str) -> hmac.HMAC:
    """Return an HMAC ready to sign for one stack and queue. Derive its key once per process."""
    key = sha256(f"django_offload.message:{scope}:{secret}".encode()).digest()
    return hmac.new(key, digestmod="sha256")


@lru_cache(maxsize=100)
def key_id(secret: str) -> str:
    """Return 8 hexadecimal digits that identify a secret without revealing it."""
    return sha256(f"django_offload.key_id:{secret}".encode()).hexdigest()[:8]


def encode(message: TaskMessage, keyring: Keyring) -> str:
    """Return the signed text of a message."""
    enqueued, secret = message.enqueued, keyring.secrets[0]
    text = enqueued.arguments
    if enqueued.reference:
        arguments = f'"ref":{dump(asdict(enqueued.reference))}'
    elif text.endswith(",{}]"):  # There are no keyword arguments.
        arguments = f'"args":{text[1:-4]},"kwargs":{{}}'
    else:
        args, kwargs = json.loads(text)
        arguments = f'"args":{dump(args)},"kwargs":{dump(kwargs)}'
    # An f-string takes a third of the time, because json would parse the arguments and write them again.
    version = 3 if enqueued.unique else 2 if enqueued.root else 1
    unsigned = (
        f'{{"v":{version},"kid":"{key_id(secret)}","id":{quoted(enqueued.id)},"alias":{quoted(enqueued.alias)},'
        f'"name":{quoted(enqueued.name)},"queue":{quoted(enqueued.queue)},{arguments},'
        f'"enqueued_at":{to_micros(enqueued.enqueued_at)},"expires_at":{to_micros(message.expires_at)}'
    )
    for name, value in (
        ("run_after", to_micros(enqueued.run_after) if enqueued.run_after else None),
        ("owner", enqueued.owner),
        ("depth", enqueued.depth or None),
        ("traceparent", enqueued.traceparent),
        ("root", enqueued.root),
        ("tenant", enqueued.tenant),
        ("unique", enqueued.unique),
        ("options", enqueued.options or None),
    ):
        if value is not None:
            unsigned += f',"{name}":{dump(value)}'
    return f'{unsigned},"sig":"{keyring.signature(unsigned + "}", secret)}"}}'


def decode(body: str | Mapping[str, Any], keyring: Keyring) -> TaskMessage:
    """
    Return the message in `body`: its text or, as Lambda passes the event of an invocation, the parsed JSON.

    Raise MessageRefused if it isn't a message for this queue exactly as it was signed.
    """
    text, fields = parse_body(body)
    version = fields.get("v")
    if not isinstance(version, int):
        raise MalformedMessage("it has no version")
    if not 1 <= version <= VERSION:
        raise UnknownVersion(version)
    # If the signature is the last field, the rest of the canonical text is what was signed.
    signature_is_last = next(reversed(fields)) == "sig"
    signature, kid = fields.pop("sig", None), fields.get("kid")
    if not isinstance(signature, str) or not isinstance(kid, str):
        raise MalformedMessage("it is not signed")
    unsigned = text[: text.rindex(',"sig":')] + "}" if signature_is_last else dump(fields)
    expected = keyring.signature(unsigned, keyring.secret_of(kid))
    # compare_digest() raises TypeError for a text that isn't ASCII.
    if not signature.isascii() or not hmac.compare_digest(signature, expected):
        raise BadSignature(keyring.scope)
    message = message_of(fields)
    if not keyring.scope.endswith(f":{message.enqueued.queue}"):
        raise BadSignature(keyring.scope)
    return message


def parse_body(body: str | Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the text and the fields of `body`. Refuse any other text for the same fields."""
    try:
        text = body if isinstance(body, str) else dump(body)
        if len(text) > QUEUE_MESSAGE:
            raise MalformedMessage("it is larger than SQS allows")
        fields = json.loads(text)
        canonical = isinstance(fields, dict) and dump(fields) == text
    # json raises one of these for hostile text.
    except (ValueError, TypeError, RecursionError, MemoryError) as exc:
        raise MalformedMessage(f"it can't be read as JSON ({type(exc).__name__})") from exc
    if not canonical:
        raise MalformedMessage("it is not canonical JSON of an object")
    return text, fields


def message_of(fields: Mapping[str, Any]) -> TaskMessage:
    """Return the message of verified fields. Raise MalformedMessage unless they are those of this version."""
    for name, value in fields.items():
        expected = MESSAGE_TYPES.get(name)
        if expected is not None and type(value) is not expected:
            raise MalformedMessage(f"its field '{name}' is of type {type(value).__name__}")
    run_after, reference, unique = fields.get("run_after"), fields.get("ref"), fields.get("unique")
    if unique is not None and not is_id(unique):
        raise MalformedMessage("its field 'unique' isn't 32 hexadecimal digits")
    try:
        return TaskMessage(
            expires_at=from_micros(fields["expires_at"]),
            enqueued=EnqueuedTask(
                id=fields["id"],
                alias=fields["alias"],
                name=fields["name"],
                queue=fields["queue"],
                arguments="[[],{}]" if reference else dump([fields["args"], fields["kwargs"]]),
                reference=Reference(**reference) if reference else None,
                enqueued_at=from_micros(fields["enqueued_at"]),
                run_after=from_micros(run_after) if run_after is not None else None,
                owner=fields.get("owner"),
                depth=fields.get("depth", 0),
                traceparent=fields.get("traceparent"),
                root=fields.get("root"),
                tenant=fields.get("tenant"),
                unique=unique,
                options=fields.get("options", {}),
            ),
        )
    # A field is missing, or an instant is not in the calendar.
    except (KeyError, TypeError, ValueError, OverflowError) as exc:
        raise MalformedMessage(f"it lacks a field, or one can't be read ({type(exc).__name__})") from exc
