"""Signing: what a message costs before it is sent, and before its task is looked up."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from statistics import median

from django_offload.protocol.json_codec import dump
from django_offload.protocol.message import TaskMessage, decode, encode
from tests.benchmarks.report import Figure, Section, table
from tests.benchmarks.rounds import Plan
from tests.security.forgeries import KEYS, NOW, SMALL

BYTES = 1_024
CALLS = 2_000


def section(plan: Plan) -> Section:
    message = of_size(BYTES)
    text = encode(message, KEYS)
    forged = f"{text[:-3]}{'0' if text[-3] != '0' else '1'}{text[-2:]}"
    signing, verifying, refusing = (
        microseconds(call, plan.rounds)
        for call in (
            lambda: encode(message, KEYS),
            lambda: decode(text, KEYS),
            lambda: refused(forged),
        )
    )
    rows = [
        ["encode and sign", f"{signing:.1f}"],
        ["decode and verify", f"{verifying:.1f}"],
        ["refuse a forged one", f"{refusing:.1f}"],
    ]
    return Section(
        "Signing",
        f"A message of {BYTES:,} bytes, in a process that has derived its keys.",
        [table(["what a process does with a message", "CPU, µs"], rows)],
        [
            Figure("CPU to encode and sign a message", signing, 50, "µs"),
            Figure("CPU to decode and verify a message", verifying, 50, "µs"),
        ],
    )


def of_size(size: int) -> TaskMessage:
    """Return a message whose text has so many bytes."""

    def made(characters: int) -> TaskMessage:
        enqueued = replace(SMALL, arguments=dump([["x" * characters], {}]))
        return TaskMessage(enqueued=enqueued, expires_at=NOW + timedelta(days=7))

    return made(size - len(encode(made(0), KEYS)))


def refused(text: str) -> None:
    from django_offload.exceptions import BadSignature

    try:
        decode(text, KEYS)
    except BadSignature:
        return
    raise AssertionError("a forged message was accepted")


def microseconds(call: Callable[[], object], rounds: int) -> float:
    """Return the CPU time of a call: the median of the rounds."""
    call()
    times = []
    for _ in range(rounds):
        began = time.process_time()
        for _ in range(CALLS):
            call()
        times.append((time.process_time() - began) / CALLS * 1_000_000)
    return median(times)
