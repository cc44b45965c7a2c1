"""Whatever the text of a task's exception raises, the task is FAILED, and the worker goes on."""

import pytest

from django_offload.compat import TaskResultStatus
from tests.unit import tasks


class Loud(Exception):
    """Raises what it contains when somebody asks for its text."""

    def __str__(self):
        raise self.args[0]


class Argument:
    """Raises what it contains when somebody asks for its representation."""

    def __init__(self, raised):
        self.raised = raised

    def __repr__(self):
        raise self.raised


class Wordless(Exception):
    def __str__(self):
        return 5  # noqa: PLE0307


def chained(cause):
    exc = ValueError("outside")
    exc.__cause__ = cause
    return exc


def noted(note):
    exc = ValueError("outside")
    exc.add_note("fine")
    exc.__notes__.append(note)
    return exc


RAISED = [
    SystemExit(3),
    KeyboardInterrupt(),
    GeneratorExit(),
    BaseException("b"),
    RecursionError(),
    OSError(),
]


@pytest.mark.parametrize("raised", RAISED, ids=lambda raised: type(raised).__name__)
@pytest.mark.parametrize("policy", [{}, {"max_attempts": 2, "retry_on": [Exception]}])
def test_what_the_text_of_an_exception_raises_ends_no_worker(ours, offload, raised, policy):
    failing = [
        (Loud(raised), "Loud", True),
        (ValueError("a", Argument(raised)), "ValueError", True),
        (chained(Loud(raised)), "ValueError", False),
        (noted(Argument(raised)), "ValueError", False),
        (ExceptionGroup("several", [Loud(raised)]), "ExceptionGroup", False),
    ]
    results = []
    for exc, _, _ in failing:
        result = tasks.double.using(**policy).enqueue(1)
        for _ in range(policy.get("max_attempts", 1)):
            offload.fail_next(exc)
        offload.run()
        results.append(result)
    after = tasks.double.enqueue(21)
    offload.run()

    for result, (_, name, unreadable) in zip(results, failing, strict=True):
        result.refresh()
        assert result.status == TaskResultStatus.FAILED
        assert len(result.errors) == policy.get("max_attempts", 1)
        assert result.errors[0].exception_class_path.rpartition(".")[2] == name
        record = next(store.records[result.id] for store in offload.stores.values())
        said = f"<its message can't be read: {type(raised).__name__}>"
        assert (said in record["error"]) is unreadable
    after.refresh()
    assert after.return_value == 42


def test_a_text_that_is_no_text_is_named(ours, offload):
    result = tasks.double.enqueue(1)
    offload.fail_next(Wordless())
    offload.run()

    record = next(store.records[result.id] for store in offload.stores.values())
    assert "<its message can't be read: TypeError>" in record["error"]


def test_the_text_of_an_exception_with_a_mask_ends_no_worker(ours, offload):
    result = tasks.send.enqueue(1, card="4242424242424242")
    offload.fail_next(chained(Loud(SystemExit())))
    offload.fail_next(Loud(KeyboardInterrupt()))
    offload.run()

    result.refresh()
    assert result.status == TaskResultStatus.FAILED
