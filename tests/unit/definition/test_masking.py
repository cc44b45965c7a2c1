"""Values of sensitive arguments are hidden in texts: each spelling, overlaps, and what was cut."""

import json
import re
from functools import partial
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from django_offload import task
from django_offload.definition.masking import (
    HIDDEN,
    SHORTEST,
    Mask,
    are_sensitive,
    leaves,
    occurrences,
    sensitive_values,
)
from tests.unit import tasks

CARD = "4111-1111-1111-1111"


@task(sensitive=("card", "pin", "more"))
def charge(order, card, pin="default-pin", *rest, note="", **more):
    return order


@task(takes_context=True, sensitive=("key",))
def sign(context, text, /, *, key, **options):
    return text


@task(sensitive="rest")
def collect(first, *rest):
    return first


def mask(*values):
    return Mask(values)


@pytest.mark.parametrize(
    ("value", "text", "hidden"),
    [
        (CARD, f"Card {CARD} is refused", f"Card {HIDDEN} is refused"),
        (12345678, "No account 12345678.", f"No account {HIDDEN}."),
        (1234.5678, "Not 1234.5678!", f"Not {HIDDEN}!"),
        (b"secret-key", "secret-key", HIDDEN),
        ({"a": [{"b": (CARD,)}]}, CARD, HIDDEN),
        ({"long-key": 1}, "no long-key", f"no {HIDDEN}"),
        ({"cvc": "123456"}, "cvc 123456", f"cvc {HIDDEN}"),
        ("  padded-token \n", "<padded-token>", f"<{HIDDEN}>"),
        ("-----BEGIN-----\nMIIEpAIB\n-----END-----", "  | MIIEpAIB", f"  | {HIDDEN}"),
        (["abcdef", "defghi"], "abcdefghi", HIDDEN),
        (["abcdef", "abcdefghi"], "abcdefghi abcdef", f"{HIDDEN} {HIDDEN}"),
        ("abcabc", "abcabcabc", HIDDEN),
        ("abcabc", "abcabc abcabc", f"{HIDDEN} {HIDDEN}"),
        (["abcdef", "ghijkl"], "abcdefghijkl", f"{HIDDEN}"),
        (CARD, "", ""),
        ("short", "short", "short"),
        (None, "None", "None"),
        ("       ", "a       b", "a       b"),
    ],
)
def test_every_leaf_of_a_value_is_hidden(value, text, hidden):
    assert mask(value)(text) == hidden


SPELLINGS = {
    "plain": str,
    "repr": repr,
    "repr of a list": lambda text: repr([text]),
    "ascii": ascii,
    "bytes": lambda text: repr(text.encode("utf-8", "surrogatepass")),
    "json": json.dumps,
    "json without ascii": partial(json.dumps, ensure_ascii=False),
    "json in json": lambda text: json.dumps(json.dumps({"a": text})),
    "repr of json": lambda text: repr(json.dumps([text])),
    "quoted": lambda text: quote(text, errors="surrogatepass"),
    "quoted whole": lambda text: quote(text, safe="", errors="surrogatepass"),
    "form": lambda text: quote_plus(text, errors="surrogatepass"),
    "query": lambda text: urlencode({"a": text}, errors="surrogatepass"),
    "in another text": lambda text: f"before {text} after",
}


@pytest.mark.parametrize("spell", SPELLINGS)
@given(value=st.text(min_size=SHORTEST).filter(lambda text: len(text.strip()) >= SHORTEST))
@example(value="00000'")
@example(value="""a'b"c\\d\ne""")
def test_every_spelling_of_a_text_is_hidden(spell, value):
    text = SPELLINGS[spell](value)

    hidden = mask(value)(text)

    assert value not in hidden.replace(HIDDEN, "")
    assert text not in hidden
    assert HIDDEN in hidden


@given(
    value=st.text("ab", min_size=SHORTEST, max_size=12),
    text=st.text("abc", max_size=60),
)
def test_no_rest_of_an_overlap_is_left(value, text):
    """Every occurrence of a value is hidden, whatever it shares with the next."""
    covered = [False] * len(text)
    for match in re.finditer(f"(?={value})", text):
        covered[match.start() : match.start() + len(value)] = [True] * len(value)

    spans = [False] * len(text)
    for start, stop in occurrences(value, text):
        assert stop - start >= SHORTEST
        assert value.startswith(text[start:stop])
        spans[start:stop] = [True] * (stop - start)

    assert all(span for span, cover in zip(spans, covered, strict=True) if cover)


@given(value=st.text("abcdefgh0123", min_size=12, max_size=200), cut=st.integers(0, 200))
def test_the_beginning_of_a_value_that_was_cut_is_hidden(value, cut):
    beginning = value[: max(SHORTEST, min(len(value) // 2, 32), min(cut, len(value)))]

    assert mask(value)(f"<{beginning}…") == f"<{HIDDEN}…"


def test_a_text_that_repeats_itself_takes_no_longer():
    value = "a" * 100_000

    assert mask(value)("b" + value * 2 + "b") == f"b{HIDDEN}b"


@pytest.mark.parametrize(
    ("value", "complete"),
    [
        ("123456", True),
        ("12345", False),
        (" 1234 ", False),
        (7, False),
        (False, False),
        (None, True),
        ("", True),
        ("  ", True),
        ([], True),
        ({"cvc": "123456"}, True),
        ({"card": [CARD, "123"]}, False),
        ("123456\n\n789012\n", True),
        ("12345\n67890\n13579", False),
    ],
)
def test_a_value_that_is_too_short_is_told(value, complete):
    assert mask(value).complete is complete


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda v: st.lists(v) | st.dictionaries(st.text(), v),
    )
)
@example("0000\x1e0")  # A separator that ends a line.
def test_any_json_value_makes_a_mask(value):
    made = mask(value)

    lines = [line.strip() for leaf in leaves(value) for line in leaf.splitlines()]
    assert made.complete is all(len(line) >= SHORTEST for line in lines if line)
    assert isinstance(made(json.dumps(value)), str)


@pytest.mark.parametrize(
    ("taken", "args", "kwargs", "positional", "named"),
    [
        (charge, [1, CARD], {}, [False, True], {}),
        (charge, [1], {"card": CARD, "note": "n"}, [False], {"card": True, "note": False}),
        (charge, [1, CARD, "p", "r"], {"x": 1}, [False, True, True, False], {"x": True}),
        (sign, ["t"], {"key": "k", "context": 1}, [False], {"key": True, "context": False}),
        (sign, ["t"], {"key": "k", "text": 1}, [False], {"key": True, "text": False}),
        (collect, [1, 2, 3], {}, [False, True, True], {}),
        # Arguments that the function doesn't take any more.
        (collect, [1, 2], {"first": 3}, [True, True], {"first": True}),
        (charge, [], {"number": CARD}, [], {"number": True}),
        (sign, ["t", "k"], {}, [True, True], {}),
    ],
)
def test_the_sensitive_ones_among_the_arguments(taken, args, kwargs, positional, named):
    assert are_sensitive(taken, args, kwargs) == (positional, named)


def test_a_task_without_sensitive_arguments_hides_none_even_if_they_do_not_fit():
    assert are_sensitive(tasks.double, [1, 2], {"b": 3}) == ([False, False], {"b": False})


def test_the_default_of_a_sensitive_argument_is_hidden_unless_another_was_given():
    assert list(sensitive_values(charge, [1, CARD], {})) == [CARD, "default-pin"]
    assert list(sensitive_values(charge, [1, CARD, "own-pin"], {})) == [CARD, "own-pin"]
    assert list(sensitive_values(charge, [1, CARD], {"pin": "own-pin"})) == [CARD, "own-pin"]


def test_a_traceback_for_a_log_has_the_message_only_if_nothing_in_it_can_stay_visible():
    def fail():
        raise ValueError(f"card {CARD}, pin 1234")

    with pytest.raises(ValueError, match="card") as raised:
        fail()

    whole, class_only = mask(CARD).traceback(raised.value), mask(CARD, "1234").traceback(raised.value)

    assert whole.startswith("Traceback (most recent call last):\n")
    assert whole.endswith(f"ValueError: card {HIDDEN}, pin 1234\n")
    assert class_only.startswith("Traceback (most recent call last):\n")
    assert class_only.endswith("ValueError\n")
    assert "raise ValueError(f" in class_only
