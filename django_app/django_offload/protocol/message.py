"""
What travels: a signed message of version 1, one line of compact ASCII JSON.

    {"v":1,"kid":"3f0c…","id":…,"alias":…,"name":…,"queue":…,"args":[…],"kwargs":{…},
     "enqueued_at":…,"expires_at":…, optional: "run_after" "owner" "depth" "traceparent" "options", "sig":"…"}

Instead of "args" and "kwargs", "ref" says where they are kept: {"key":…,"sha256":…,"size":…}.

The signature is HMAC-SHA256 over the same text without "sig", under a key derived from SECRET_KEY and
the stack and queue it is meant for. Instants are whole microseconds since 1970 UTC. No I/O, no clock.
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

from ..exceptions import BadSignature, MalformedMessage, UnknownKey, UnknownVersion
from .enqueued_task import EnqueuedTask, Reference
from .json_codec import dump, from_micros, to_micros

VERSION = 1
# An SQS message may have 1 MiB, a payload of an asynchronous Lambda invocation 1 MB (AWS quotas, 2025).
MAX_BYTES = 1_000_000
# Tasks may enqueue tasks; a chain longer than this is a runaway.
MAX_DEPTH = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskMessage:
    """What one delivery asks for."""

    enqueued: EnqueuedTask
    expires_at: datetime  # After this no record is created from the message.


@dataclass(frozen=True, slots=True)
class Keyring:
    """The secrets a process signs and verifies with, the first for signing; `scope` is "<stack>:<queue>"."""

    secrets: Sequence[str]
    scope: str

    def signature(self, text: str, secret: str) -> str:
        # A copy costs half of what hmac.digest() does.
        signature = _signing_key(self.scope, secret).copy()
        signature.update(text.encode("ascii"))
        return signature.hexdigest()

    def find(self, wanted: str) -> str:
        """Return the secret whose key id is `wanted`. Raise UnknownKey if there is none."""
        for secret in self.secrets:
            if key_id(secret) == wanted:
                return secret
        raise UnknownKey(ascii(wanted[:32])[1:-1])


@lru_cache(maxsize=100)
def _signing_key(scope: str, secret: str) -> hmac.HMAC:
    """Return the key of a secret for one stack and queue, derived once per process and ready to sign."""
    key = sha256(f"django_offload.message:{scope}:{secret}".encode()).digest()
    return hmac.new(key, digestmod="sha256")


@lru_cache(maxsize=100)
def key_id(secret: str) -> str:
    """Return 8 hexadecimal digits that name a secret without telling it."""
    return sha256(f"django_offload.key_id:{secret}".encode()).hexdigest()[:8]


def encode(message: TaskMessage, keyring: Keyring) -> str:
    """Return the signed text of `message`."""
    enqueued, secret = message.enqueued, keyring.secrets[0]
    # Written by hand, for json would read the arguments and write them anew: in a third of its time.
    unsigned = (
        f'{{"v":{VERSION},"kid":"{key_id(secret)}","id":{quoted(enqueued.id)},"alias":{quoted(enqueued.alias)},'
        f'"name":{quoted(enqueued.name)},"queue":{quoted(enqueued.queue)},{_arguments(enqueued)},'
        f'"enqueued_at":{to_micros(enqueued.enqueued_at)},"expires_at":{to_micros(message.expires_at)}'
    )
    for name, value in (
        ("run_after", to_micros(enqueued.run_after) if enqueued.run_after else None),
        ("owner", enqueued.owner),
        ("depth", enqueued.depth or None),
        ("traceparent", enqueued.traceparent),
        ("options", enqueued.options or None),
    ):
        if value is not None:
            unsigned += f',"{name}":{dump(value)}'
    return f'{unsigned},"sig":"{keyring.signature(unsigned + "}", secret)}"}}'


def _arguments(enqueued: EnqueuedTask) -> str:
    """Return what a message says of the arguments, or of where they are."""
    if enqueued.reference:
        return f'"ref":{dump(asdict(enqueued.reference))}'
    text = enqueued.arguments
    if text.endswith(",{}]"):  # No keywords: what ends an array of ours is an object of theirs.
        return f'"args":{text[1:-4]},"kwargs":{{}}'
    args, kwargs = json.loads(text)
    return f'"args":{dump(args)},"kwargs":{dump(kwargs)}'


def decode(body: str | Mapping[str, Any], keyring: Keyring) -> TaskMessage:
    """
    Return the message in `body`, its text or (as Lambda hands an invocation over) its parsed form.

    Raise MessageRefused if it is not a message of ours, for this queue, as it was signed.
    """
    text, fields = _parse(body)
    version = fields.get("v")
    if not isinstance(version, int):
        raise MalformedMessage("it has no version")
    if version != VERSION:
        raise UnknownVersion(version)
    # Of canonical text that ends with the signature, the rest need not be written anew.
    ends = next(reversed(fields)) == "sig"
    signature, kid = fields.pop("sig", None), fields.get("kid")
    if not isinstance(signature, str) or not isinstance(kid, str):
        raise MalformedMessage("it is not signed")
    unsigned = text[: text.rindex(',"sig":')] + "}" if ends else dump(fields)
    expected = keyring.signature(unsigned, keyring.find(kid))
    # What is not ASCII cannot be compared, and is no signature.
    if not signature.isascii() or not hmac.compare_digest(signature, expected):
        raise BadSignature(keyring.scope)
    return _message(fields)


def _parse(body: str | Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the text and the fields of `body`; no other text may be the source of these fields."""
    try:
        text = body if isinstance(body, str) else dump(body)
        if len(text) > 1_048_576:  # What SQS carries at most.
            raise MalformedMessage("it is larger than any message of ours")
        fields = json.loads(text)
        canonical = isinstance(fields, dict) and dump(fields) == text
    # Hostile text ends json in ValueError, RecursionError or MemoryError: all mean the same here.
    except (ValueError, TypeError, RecursionError, MemoryError) as exc:
        raise MalformedMessage(f"it cannot be read as JSON ({type(exc).__name__})") from exc
    if not canonical:
        raise MalformedMessage("it is not canonical JSON of an object")
    return text, fields


def _message(fields: Mapping[str, Any]) -> TaskMessage:
    """Return the message of verified fields; a signed message of this version has them all."""
    run_after, reference = fields.get("run_after"), fields.get("ref")
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
            options=fields.get("options", {}),
        ),
    )
