"""Which secret signed a message, for which queue: rotations, and what is not for us."""

import json

import pytest

from django_offload.exceptions import BadSignature, UnknownKey
from django_offload.protocol.json_codec import dump
from django_offload.protocol.message import Keyring, decode, encode, key_id

from .test_message import KEYS, MESSAGE, signed


def test_an_unknown_key_is_named_and_another_delivery_may_succeed():
    text = encode(MESSAGE, Keyring(["other"], KEYS.scope))

    with pytest.raises(UnknownKey, match=rf"signed with key {key_id('other')}, unknown here") as raised:
        decode(text, KEYS)

    assert raised.value.retryable


def test_a_rotated_secret_verifies_what_the_old_one_signed():
    text = encode(MESSAGE, Keyring(["old"], KEYS.scope))

    assert decode(text, Keyring(["new", "old"], KEYS.scope)) == MESSAGE
    assert key_id("new") in encode(MESSAGE, Keyring(["new", "old"], KEYS.scope))


@pytest.mark.parametrize("scope", ["shop:reports", "other:default", "shop:default2"])
def test_a_message_for_another_queue_or_stack_is_refused(scope):
    with pytest.raises(BadSignature, match="forged, or sent to another queue"):
        decode(encode(MESSAGE, KEYS), Keyring(["secret"], scope))


def test_the_key_id_of_one_secret_with_the_signature_of_another_is_refused():
    fields = json.loads(encode(MESSAGE, Keyring(["old"], KEYS.scope))) | {"kid": key_id("new")}

    with pytest.raises(BadSignature):
        decode(dump(fields), Keyring(["new", "old"], KEYS.scope))


def test_a_hostile_key_id_can_be_logged():
    with pytest.raises(UnknownKey) as raised:
        decode(signed({"v": 1, "kid": "\ud800\n" * 50_000}), KEYS)

    assert str(raised.value).isascii()
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 1_000
