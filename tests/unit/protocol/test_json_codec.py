"""The codec reads and writes the same as the standard library."""

import json
import json.encoder

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_offload.protocol.json_codec import load, writer

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda values: st.lists(values) | st.dictionaries(st.text(), values),
)


@given(VALUES)
def test_the_codec_agrees_with_the_standard_library(value):
    compact = writer(item=",", key=":", allow_nan=False)(value)

    assert compact == json.dumps(value, separators=(",", ":"))
    assert writer(item=", ", key=": ", allow_nan=True)(value) == json.dumps(value)
    assert load(compact) == json.loads(compact)


@pytest.mark.parametrize("has_encoder", [True, False], ids=["in C", "other Pythons"])
def test_a_value_that_json_cannot_carry_is_refused(has_encoder, monkeypatch):
    if not has_encoder:
        monkeypatch.setattr(json.encoder, "c_make_encoder", None)
    write = writer(item=",", key=":", allow_nan=False)
    endless: list[object] = []
    endless.append(endless)

    for value, error in ((float("nan"), ValueError), (object(), TypeError), (endless, RecursionError)):
        with pytest.raises(error):
            write([value])
    assert write({"é": (1, None, True, 0.5)}) == '{"\\u00e9":[1,null,true,0.5]}'


@pytest.mark.parametrize("text", [" [1] ", "[1]\n", "\t{}"])
def test_white_space_around_the_text_is_ignored(text):
    assert load(text) == json.loads(text)


@pytest.mark.parametrize("text", ["", "[1", "[1] 2", "nonsense"])
def test_invalid_json_is_refused(text):
    with pytest.raises(json.JSONDecodeError):
        load(text)
