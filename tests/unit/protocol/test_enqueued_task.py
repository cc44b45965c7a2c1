"""Arguments as JSON: dump_any() writes what dump() writes, and accepts what Django accepts beyond that."""

import json
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_offload.compat import normalize_json
from django_offload.protocol.json_codec import dump, dump_any

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.tuples(inner),
)


@given(PLAIN)
def test_json_values_give_the_text_of_their_normal_form(value):
    assert dump_any(value) == dump(normalize_json(value))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([b"bytes", range(3)], ["bytes", [0, 1, 2]]),
        (MappingProxyType({"a": MappingProxyType({b"b": 1})}), {"a": {"b": 1}}),
    ],
)
def test_other_values_that_django_accepts_are_normalised(value, expected):
    assert json.loads(dump_any(value)) == expected


def test_a_value_that_json_cannot_carry_is_refused():
    itself: list[object] = []
    itself.append(itself)

    with pytest.raises(RecursionError):
        dump_any(itself)
    with pytest.raises(TypeError):
        dump_any([object()])
    with pytest.raises(ValueError, match="JSON compliant"):
        dump_any([float("nan")])
