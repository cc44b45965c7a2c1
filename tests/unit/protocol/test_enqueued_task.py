"""What is known of a task, as JSON: one text for what JSON knows, and for what Django takes beyond that."""

import json
from types import MappingProxyType

import pytest
from django.utils.json import normalize_json
from hypothesis import given
from hypothesis import strategies as st

from django_offload.protocol.json_codec import dump, dump_any

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.tuples(inner),
)


@given(PLAIN)
def test_what_json_knows_is_the_text_that_django_would_have_made_of_it(value):
    assert dump_any(value) == dump(normalize_json(value))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([b"bytes", range(3)], ["bytes", [0, 1, 2]]),
        (MappingProxyType({"a": MappingProxyType({b"b": 1})}), {"a": {"b": 1}}),
    ],
)
def test_what_django_takes_beyond_that_is_taken_too(value, expected):
    assert json.loads(dump_any(value)) == expected


def test_what_nobody_can_carry_is_refused():
    itself: list[object] = []
    itself.append(itself)

    with pytest.raises(RecursionError):
        dump_any(itself)
    with pytest.raises(TypeError):
        dump_any([object()])
    with pytest.raises(ValueError, match="JSON compliant"):
        dump_any([float("nan")])
