"""Return values as JSON: what dump() writes, and beyond that what Django accepts."""

import json
import sys
from types import MappingProxyType

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from django_offload.compat import normalize_json
from django_offload.conf import json_values
from django_offload.exceptions import DeadlineExceeded, InvalidReturnValue
from django_offload.protocol.json_codec import MOST_LEVELS, dump, dump_returned, is_too_deep, load


class Elsewhere(dict):
    """A dictionary that stores its items elsewhere, where the encoder doesn't see them."""

    def __init__(self, stored):
        super().__init__()
        self.items = stored.items


# Keys of which many become the text of another.
NOT_TEXT = [0, 1, True, False, None, 1.5, -1]
ALIKE = st.sampled_from([*NOT_TEXT, *map(dump, NOT_TEXT), ""])
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.tuples(inner),
)


def keys_are_one_text(value):
    """Return True if a dictionary in the value has two keys that JSON writes as one text."""
    pairs: list[bool] = []

    def note(items):
        pairs.append(len(items) != len(dict(items)))
        return dict(items)

    json.loads(json.dumps(value), object_pairs_hook=note)
    return any(pairs)


@given(PLAIN)
def test_json_values_give_the_text_of_their_normal_form(value):
    assume(not keys_are_one_text(value))

    assert dump_returned(value, "Task x") == dump(normalize_json(value))


@given(st.recursive(st.integers(0, 1), lambda inner: st.dictionaries(ALIKE, inner) | st.lists(inner)))
def test_a_return_value_is_refused_exactly_if_two_of_its_keys_become_one_text(value):
    try:
        text = dump_returned(value, "Task x")
    except InvalidReturnValue as exc:
        assert "JSON makes one text of the keys" in str(exc)  # noqa: PT017, most examples raise nothing
        assert keys_are_one_text(value)
    else:
        assert not keys_are_one_text(value)
        assert load(text) == json.loads(json.dumps(value))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            {"rows": [{1: "a", "1": "b"}]},
            "return_value['rows'][0] is a dictionary in which JSON makes one text of the keys 1 and '1'. "
            "Return a dictionary whose keys are text, or a list of pairs.",
        ),
        ({None: 1, "null": 2}, "return_value is a dictionary in which JSON makes one text of the keys None"),
        (MappingProxyType({b"a": 1, "a": 2}), "JSON makes one text of the keys b'a' and 'a'"),
        ([range(3), {1.5: 0, "1.5": 0}], "return_value[1] is a dictionary in which JSON makes one text"),
        (
            {1: 0, None: 0, "null": 3},
            "return_value is a dictionary in which JSON makes one text of the keys N",
        ),
        (
            {"\ud83d\ude00": 1, "\U0001f600": 2},
            "JSON makes one text of the keys '\\ud83d\\ude00' and '\U0001f600'",
        ),
        ([Elsewhere({"a": Elsewhere({1: 0, "1": 0})})], "return_value[0]['a'] is a dictionary in which JSON"),
    ],
)
def test_the_keys_that_become_one_are_named(value, message):
    with pytest.raises(InvalidReturnValue) as raised:
        dump_returned(value, "Task x")

    assert message in str(raised.value)


@pytest.mark.parametrize(
    "nest", [lambda inner: [inner], lambda inner: {"]": inner}, lambda inner: [{"[": inner}]]
)
def test_a_value_that_is_nested_too_deeply_is_refused(nest):
    value = 0
    while not is_too_deep(dump(nest(value))):
        dump_returned(value, "Task x")
        value = nest(value)

    levels = dump(value).replace('"["', "").replace('"]"', "").count("[") + dump(value).count("{")
    assert MOST_LEVELS - 1 <= levels <= MOST_LEVELS
    with pytest.raises(InvalidReturnValue, match=r"is nested more deeply than 400 levels\. Return a flatter"):
        dump_returned(nest(value), "Task x")


def test_many_brackets_beside_each_other_are_no_levels():
    assert not is_too_deep(dump([[{}, "[" * 1_000]] * 1_000))


def test_arguments_have_the_two_levels_around_them():
    assert json_values.MOST_LEVELS == MOST_LEVELS - 2


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([b"bytes", range(3)], ["bytes", [0, 1, 2]]),
        (MappingProxyType({"a": MappingProxyType({b"b": 1})}), {"a": {"b": 1}}),
    ],
)
def test_other_values_that_django_accepts_are_normalised(value, expected):
    assert json.loads(dump_returned(value, "Task x")) == expected


def test_items_that_a_dictionary_stores_elsewhere_are_returned():
    value = [Elsewhere({"a": (Elsewhere({1: 2}), {})})]

    assert load(dump_returned(value, "Task x")) == [{"a": [{"1": 2}, {}]}]
    with pytest.raises(InvalidReturnValue, match=r"return_value\[0\]\.a is of type object"):
        dump_returned([Elsewhere({"a": object()})], "Task x")


def test_a_number_that_only_this_process_can_read_is_refused():
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        with pytest.raises(
            InvalidReturnValue, match=r"return_value\['a'\]\[0\] is a whole number of more than"
        ):
            dump_returned({"a": [10**4_300]}, "Task x")
        assert dump_returned(["1" * 5_000, 10**4_299], "Task x") == f'["{"1" * 5_000}",1{"0" * 4_299}]'
    finally:
        sys.set_int_max_str_digits(before)


def test_a_value_that_json_cannot_carry_is_refused():
    itself: list[object] = []
    itself.append(itself)

    for value, reason in (
        (itself, "return_value[0] is a value that contains itself"),
        ([object()], "return_value[0] is of type object"),
        ([float("nan")], "return_value[0] is NaN"),
    ):
        with pytest.raises(InvalidReturnValue) as raised:
            dump_returned(value, "Task x")
        assert f"its return value can't be stored: {reason}" in str(raised.value)


def test_a_deadline_that_comes_while_a_value_is_written_is_raised():
    class SlowDictionary(dict):
        def items(self):
            raise DeadlineExceeded(1.0)

    with pytest.raises(DeadlineExceeded):
        dump_returned(SlowDictionary(rows=1), "Step 'export'")
