"""How a function's output is shown."""

import pytest

from django_offload.local.lambda_.log_lines import MARK, LogLine, wants_colour

TASK = "0123456789abcdef0123456789abcdef"
FUNCTION = "shop-default-worker"


class Terminal:
    def __init__(self, *, interactive: bool = True) -> None:
        self.isatty = lambda: interactive


def test_a_line_of_no_task_is_its_function_and_its_text() -> None:
    line = LogLine(FUNCTION, "started")

    assert line == "shop-default-worker: started"
    assert line.painted() == line
    assert line.task_id is None


@pytest.mark.parametrize(
    ("output", "text"),
    [
        (f"{MARK}{TASK}{MARK}  half done", "  half done"),
        (f"[INFO] Task id={TASK} path=a.b state=RUNNING", f"[INFO] Task id={TASK} path=a.b state=RUNNING"),
    ],
)
def test_a_line_of_a_task_names_it_and_has_its_colour(output: str, text: str) -> None:
    line = LogLine(FUNCTION, output)

    assert line.task_id == TASK
    assert line == f"shop-default-worker 01234567: {text}"
    # 0x01234567 is 19,088,743, and that is 7 modulo 12: the second of the bright colours.
    assert line.painted() == f"\x1b[92mshop-default-worker 01234567:\x1b[0m {text}"


def test_tasks_have_colours_of_their_own() -> None:
    lines = [LogLine(FUNCTION, f"{MARK}{number:08x}{TASK[8:]}{MARK}text") for number in range(12)]

    assert len({line.painted().partition("m")[0] for line in lines}) == 12


@pytest.mark.parametrize(
    ("terminal", "environ", "coloured"),
    [
        (True, {}, True),
        (True, {"NO_COLOR": ""}, True),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"TERM": "dumb"}, False),
        (False, {}, False),
    ],
)
def test_only_terminals_that_allow_colours_have_them(
    terminal: bool, environ: dict[str, str], coloured: bool
) -> None:
    assert wants_colour(Terminal(interactive=terminal), environ) is coloured


def test_a_metric_is_not_text() -> None:
    assert LogLine(FUNCTION, '{"_aws": {"Timestamp": 1}}').metric
    assert not LogLine(FUNCTION, "_aws").metric
