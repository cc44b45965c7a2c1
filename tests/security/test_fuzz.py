"""A small part of make fuzz, always the same one; and what make fuzz itself promises."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import strategies as st

from tests.security import fuzz
from tests.security.fuzz import chunk_seed, run_chunk
from tests.security.fuzz_targets import TARGETS, Setting
from tests.unit.web.events import function_url

SEED = 16
# Of each target, in make test.
FEW = {
    "decoder": 1_500,
    "web events": 200,
    "options": 100,
    "HTTP arguments": 100,
    "times of schedules": 200,
    "settings": 20,
}


@pytest.mark.parametrize("target", TARGETS)
def test_a_few_inputs_bring_about_no_crash(target: str, db: None) -> None:
    outcome = run_chunk(target, FEW[target], chunk_seed(SEED, target, 0))

    assert outcome.crash is None
    assert outcome.accepted + outcome.refused >= FEW[target] * 0.9
    assert outcome.refused > 0


def test_the_shares_of_the_targets_are_all_inputs() -> None:
    assert sum(target.share for target in TARGETS.values()) == 100
    assert fuzz.INPUTS == 1_000_000


def test_a_crash_is_shown_as_the_smallest_input_to_paste(monkeypatch: pytest.MonkeyPatch) -> None:
    fragile = fuzz_target(lambda value: 1 // (len(value) < 3) > 0)
    monkeypatch.setitem(TARGETS, "planted", fragile)

    crash = run_chunk("planted", 200, 1).crash

    assert crash is not None
    assert str(crash).endswith("CRASHED = ('planted', '000')")
    assert "raised ZeroDivisionError" in str(crash)


def test_the_same_seed_tries_the_same_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []
    monkeypatch.setitem(TARGETS, "planted", fuzz_target(lambda value: bool(tried.append(value))))

    run_chunk("planted", 50, 7)
    first, tried[:] = list(tried), []
    run_chunk("planted", 50, 7)

    assert tried == first


def fuzz_target(run: Callable[[Any], bool]) -> Any:
    return replace(TARGETS["options"], inputs=st.text(st.sampled_from("0123")), run=run)


# What crashed once, as make fuzz shows it. Each of these is signed with the key of the targets.
CRASHED: list[tuple[str, Any]] = [
    (
        "decoder",
        '{"v":1,"kid":"46f29f7a","id":"0123456789abcdef0123456789abcdef","alias":"default","name":"shop.tasks.send","queue":"default","args":[1,"\\u00fc"],"kwargs":{"to":null},"enqueued_at":1772366400000000,"expires_at":1000000000000000000000000000000,"sig":"6416846ee8c1da1e4e197d242da5f325e015a2cd0f0b324d1b924603bc7709c1"}',
    ),
    (
        "decoder",
        '{"v":1,"kid":"46f29f7a","id":"0123456789abcdef0123456789abcdef","alias":"default","name":"shop.tasks.send","queue":"default","args":[1,"\\u00fc"],"kwargs":{"to":null},"enqueued_at":1772366400000000,"expires_at":1772971200000000,"ref":{"key":"x"},"sig":"742dfc548629ce551adc8bc96ff4b6d8ac212f8c27d393bd1b4e9c6bcbf4ad55"}',
    ),
    (
        "decoder",
        '{"v":1,"kid":"46f29f7a","id":"0123456789abcdef0123456789abcdef","alias":"default","name":"shop.tasks.send","queue":null,"args":[1,"\\u00fc"],"kwargs":{"to":null},"enqueued_at":1772366400000000,"expires_at":1772971200000000,"sig":"9bc0dca7df945fb560b73711417be2dfaa70933e81a6ee6f3b6ee086bedfab5f"}',
    ),
    ("settings", Setting(path=("default", "OPTIONS", "stack"), value="x" * 100_000)),
    ("web events", function_url(body="flavo", isBase64Encoded=True)),
]


@pytest.mark.parametrize(("target", "value"), CRASHED)
def test_what_crashed_once_is_answered(target: str, value: Any, db: None) -> None:
    with fuzz.site():
        assert TARGETS[target].run(value) in {True, False}
