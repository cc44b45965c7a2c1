"""A signed message is read back unchanged, and any other text is refused."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from django_offload.exceptions import BadSignature, MalformedMessage, MessageRefused, UnknownVersion
from django_offload.protocol.enqueued_task import EnqueuedTask
from django_offload.protocol.json_codec import dump, from_micros, to_micros
from django_offload.protocol.message import VERSION, Keyring, TaskMessage, decode, encode, key_id

KEYS = Keyring(["secret"], "shop:default")
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ENQUEUED = EnqueuedTask(
    id="0123456789abcdef" * 2,
    alias="default",
    name="shop.tasks.send",
    queue="default",
    arguments='[[1,"ü"],{"to":null}]'.replace("ü", "\\u00fc"),
    enqueued_at=NOW,
)
MESSAGE = TaskMessage(enqueued=ENQUEUED, expires_at=NOW + timedelta(days=7))

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=-(10**60), max_value=10**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=()), max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=()), max_size=6), inner, max_size=4)
    ),
    max_leaves=12,
)
instants = st.integers(0, to_micros(datetime(2200, 1, 1, tzinfo=UTC))).map(from_micros)


def signed(fields, keys=KEYS):
    """Return a correctly signed text with any fields."""
    unsigned = dump(fields)
    return f'{unsigned[:-1]},"sig":"{keys.signature(unsigned, keys.secrets[0])}"}}'


def test_a_message_is_one_line_of_compact_ascii_json():
    text = encode(MESSAGE, KEYS)

    fields = json.loads(text)
    assert text.isascii()
    assert "\n" not in text
    assert text == dump(fields)
    assert list(fields)[:3] == ["v", "kid", "id"]
    assert list(fields)[-1] == "sig"
    assert (fields["v"], fields["kid"]) == (1, key_id("secret"))
    assert "secret" not in text


def test_the_same_message_is_the_same_text():
    assert encode(MESSAGE, KEYS) == encode(MESSAGE, KEYS)


@settings(max_examples=150, deadline=None)
@given(
    args=st.lists(json_values, max_size=3),
    kwargs=st.dictionaries(
        st.text(st.characters(exclude_categories=()), max_size=6), json_values, max_size=3
    ),
    enqueued_at=instants,
    run_after=st.none() | instants,
    owner=st.none() | st.text(max_size=20),
    depth=st.integers(0, 1000),
    options=st.dictionaries(st.sampled_from(["max_attempts", "timeout"]), st.integers(1, 9)),
)
def test_an_encoded_message_is_decoded(args, kwargs, enqueued_at, run_after, owner, depth, options):
    enqueued = replace(
        ENQUEUED,
        arguments=dump([args, kwargs]),
        enqueued_at=enqueued_at,
        run_after=run_after,
        owner=owner,
        depth=depth,
        options=options,
    )
    message = TaskMessage(enqueued=enqueued, expires_at=enqueued_at + timedelta(days=7))

    text = encode(message, KEYS)

    assert decode(text, KEYS) == message
    assert decode(json.loads(text), KEYS) == message
    assert json.loads(decode(text, KEYS).enqueued.arguments) == [args, kwargs]


@pytest.mark.parametrize(
    "value", ["\ud800", "\0", "\x1f\x7f\x80\uffff", "😀", 10**4000, -(2**64), 1e-320, -0.0]
)
def test_odd_values_come_through(value):
    message = replace(MESSAGE, enqueued=replace(ENQUEUED, arguments=dump([[value], {}])))

    (argument,), _ = json.loads(decode(encode(message, KEYS), KEYS).enqueued.arguments)

    assert repr(argument) == repr(value)


@pytest.mark.parametrize(
    "value", [{"sig": "0" * 64}, [{"a": 1, "sig": "0"}], ',"sig":"0"}', '","sig":"0"', {',"sig":': '"}'}]
)
def test_arguments_that_look_like_a_signature_are_no_signature(value):
    message = replace(MESSAGE, enqueued=replace(ENQUEUED, arguments=dump([[value], {"sig": value}])))

    assert decode(encode(message, KEYS), KEYS) == message


def test_the_signature_may_come_before_other_fields():
    text = encode(MESSAGE, KEYS)
    fields = json.loads(text)
    first = {"sig": fields.pop("sig"), **fields}

    assert decode(dump(first), KEYS) == MESSAGE
    with pytest.raises(BadSignature):
        decode(dump(first | {"depth": 1}), KEYS)


def test_every_changed_byte_is_refused():
    text = encode(replace(MESSAGE, enqueued=replace(ENQUEUED, depth=3, owner="user:1")), KEYS)
    accepted = []

    for position in range(len(text)):
        for flip in (1, 2, 16, 32):
            changed = text[:position] + chr(ord(text[position]) ^ flip) + text[position + 1 :]
            try:
                decode(changed, KEYS)
            except MessageRefused:
                continue
            accepted.append((position, changed))

    assert accepted == []


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10_000), st.characters(), st.sampled_from(["replace", "insert", "delete"]))
def test_every_changed_character_is_refused(position, character, way):
    text = encode(MESSAGE, KEYS)
    position %= len(text)
    rest = {"replace": position + 1, "insert": position, "delete": position + 1}[way]
    changed = text[:position] + ("" if way == "delete" else character) + text[rest:]

    if changed == text:
        assert decode(changed, KEYS) == MESSAGE
    else:
        with pytest.raises(MessageRefused):
            decode(changed, KEYS)


@settings(max_examples=150, deadline=None)
@given(json_values | st.dictionaries(st.sampled_from(["v", "kid", "sig", "id"]), json_values | st.just(1)))
def test_json_of_any_kind_is_refused(value):
    with pytest.raises(MessageRefused):
        decode(dump(value), KEYS)
    if isinstance(value, dict):
        with pytest.raises(MessageRefused):
            decode(value, KEYS)


@settings(max_examples=150, deadline=None)
@given(st.text(st.characters(exclude_categories=()), max_size=40))
def test_text_of_any_kind_is_refused(text):
    with pytest.raises(MessageRefused):
        decode(text, KEYS)


@pytest.mark.parametrize("signature", ["", "\ud800", "ü" * 64, "0" * 64, "0" * 10_000, None, 5, [], {}])
def test_a_signature_of_any_kind_is_refused(signature):
    fields = json.loads(encode(MESSAGE, KEYS)) | {"sig": signature}

    with pytest.raises(MessageRefused):
        decode(dump(fields), KEYS)
    with pytest.raises(MessageRefused):
        decode(fields, KEYS)


@pytest.mark.parametrize(
    "body",
    [
        "[" * 100_000,
        '{"v":' * 100_000,
        "[" * 100_000 + "]" * 100_000,
        '{"v":' + "9" * 10_000 + "}",
        '{"v":NaN}',
        '{"v":Infinity}',
        '{"v":1e999}',
        " " * 2_000_000,
        "",
        "null",
        "\ufeff{}",
    ],
    ids=[
        "open lists",
        "open objects",
        "nested",
        "long number",
        "NaN",
        "inf",
        "overflow",
        "huge",
        "0",
        "null",
        "BOM",
    ],
)
def test_hostile_text_is_malformed_and_not_a_crash(body):
    with pytest.raises(
        MalformedMessage, match=r"^This isn't a message of django-offload: it .* Check what else sends"
    ):
        decode(body, KEYS)


@pytest.mark.parametrize("inserted", [" ", "\n", "\t"])
def test_another_spelling_of_the_same_json_is_refused(inserted):
    text = encode(MESSAGE, KEYS)

    for changed in (text + inserted, inserted + text, text.replace(",", f",{inserted}", 1)):
        with pytest.raises(MalformedMessage, match="not canonical JSON"):
            decode(changed, KEYS)


def test_keys_in_another_order_are_refused():
    fields = json.loads(encode(MESSAGE, KEYS))
    changed = {"kid": fields.pop("kid"), **fields}

    with pytest.raises(BadSignature):
        decode(dump(changed), KEYS)


def test_a_duplicate_key_is_refused():
    text = encode(MESSAGE, KEYS)

    with pytest.raises(MalformedMessage, match="not canonical JSON"):
        decode(text.replace('{"v":1,', '{"v":2,"v":1,', 1), KEYS)


@pytest.mark.parametrize("unique", ["", "5" * 31, "5" * 33, "G" * 32, "5" * 32 + "\n", "x" * 3_000])
def test_a_unique_key_of_another_form_is_malformed(unique):
    fields = {**json.loads(encode(MESSAGE, KEYS)), "v": 3, "unique": "5" * 32}
    del fields["sig"]

    assert decode(signed(fields), KEYS).enqueued.unique == "5" * 32
    with pytest.raises(MalformedMessage, match="its field 'unique' isn't 32 hexadecimal digits"):
        decode(signed({**fields, "unique": unique}), KEYS)


@pytest.mark.parametrize("version", [None, "1", [], 1.5, {}])
def test_a_text_without_a_version_is_malformed(version):
    with pytest.raises(MalformedMessage, match="it has no version"):
        decode(signed({"v": version, "kid": key_id("secret")}), KEYS)


@pytest.mark.parametrize("version", [0, VERSION + 1, -1, 10**30])
def test_another_version_is_refused_for_newer_code_to_read(version):
    with pytest.raises(UnknownVersion, match="Deploy the workers before the web side") as raised:
        decode(signed({"v": version, "kid": key_id("secret")}), KEYS)

    assert raised.value.retryable
    assert raised.value.version == version


def test_a_huge_version_makes_no_huge_error():
    with pytest.raises(UnknownVersion) as raised:
        decode(signed({"v": 10**4_000, "kid": key_id("secret")}), KEYS)

    assert len(str(raised.value)) < 1_000


@given(st.datetimes(timezones=st.just(UTC)))
def test_instants_are_kept_to_the_microsecond(instant):
    assert from_micros(to_micros(instant)) == instant
