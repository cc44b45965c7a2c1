"""JSON as it is written and read here, held to the standard library's."""

import json
import json.encoder

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_offload.protocol.json_codec import parsed, writer

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda values: st.lists(values) | st.dictionaries(st.text(), values),
)


@given(VALUES)
def test_what_is_written_and_read_is_what_the_standard_library_writes_and_reads(value):
    compact = writer(item=",", key=":", allow_nan=False)(value)

    assert compact == json.dumps(value, separators=(",", ":"))
    assert writer(item=", ", key=": ", allow_nan=True)(value) == json.dumps(value)
    assert parsed(compact) == json.loads(compact)


@pytest.mark.parametrize("has_encoder", [True, False], ids=["in C", "other Pythons"])
def test_what_json_cannot_carry_is_refused(has_encoder, monkeypatch):
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
def test_white_space_around_is_read_over(text):
    assert parsed(text) == json.loads(text)


@pytest.mark.parametrize("text", ["", "[1", "[1] 2", "nonsense"])
def test_what_is_no_json_is_refused(text):
    with pytest.raises(json.JSONDecodeError):
        parsed(text)
