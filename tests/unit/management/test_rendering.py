"""Tables have columns if they fit, otherwise one value a line."""

import pytest

from django_offload.management.rendering import Styled, one_line, table_lines

HEADINGS = ["id", "task", "attempts", "message"]
ROWS = [
    ["0" * 32, "shop.tasks.send", 3, "The line is busy, and nobody answers however often it is tried."],
    ["1" * 32, "shop.tasks.tell", 12, None],
]


def text(width: int | None) -> list[str]:
    return ["".join(pieces).rstrip() for pieces in table_lines(HEADINGS, ROWS, width)]


def test_in_a_file_columns_are_as_wide_as_they_are() -> None:
    assert text(None) == [
        f"{'id':<32}  task             attempts  message",
        f"{'0' * 32}  shop.tasks.send         3  {ROWS[0][3]}",
        f"{'1' * 32}  shop.tasks.tell        12",
    ]


def test_on_a_terminal_the_last_column_is_cut_to_what_is_left() -> None:
    lines = text(100)

    assert lines[1].endswith("The line is busy, and nobody answers h…")
    assert max(map(len, lines)) == 100


def test_a_last_column_of_which_too_little_were_left_stands_below() -> None:
    assert text(70) == [
        f"{'id':<32}  task             attempts",
        f"{'0' * 32}  shop.tasks.send         3",
        "  The line is busy, and nobody answers however often it is tried.",
        f"{'1' * 32}  shop.tasks.tell        12",
    ]


def test_on_a_narrow_terminal_each_value_has_a_line_and_none_is_cut() -> None:
    assert text(58) == [
        "0" * 32,
        "  task      shop.tasks.send",
        "  attempts  3",
        "  message   The line is busy, and nobody answers however",
        "            often it is tried.",
        "1" * 32,
        "  task      shop.tasks.tell",
        "  attempts  12",
    ]


@pytest.mark.parametrize("width", [1, 40, 59, 60, 80, 81, 99, 120, 200])
def test_nothing_but_whole_words_is_wider_than_the_terminal(width: int) -> None:
    for line in text(width):
        assert len(line) <= max(width, 32 + len("  attempts  "))


def test_a_line_break_in_a_value_breaks_no_row() -> None:
    assert ["".join(line) for line in table_lines(["a", "b"], [["1\n2", "x"]], None)] == ["a    b", "1 2  x"]


def test_what_is_painted_stays_painted_when_it_is_cut_or_made_harmless() -> None:
    cut = list(table_lines(["a", "b"], [["x", Styled("y" * 50, "bad")]], 30))[1]
    (shown,) = [piece for piece in cut if isinstance(piece, Styled)]

    assert (shown, shown.style) == ("y" * 26 + "…", "bad")
    assert one_line(Styled("\x07", "good")) == r"\x07"
    # Reads as paid(False) in a terminal that obeys it.
    assert one_line("paid\u202e(eslaF)\u2066") == r"paid\u202e(eslaF)\u2066"


def test_counts_that_are_painted_stand_to_the_right_too() -> None:
    lines = ["".join(line) for line in table_lines(["dead letters"], [[Styled(7, "bad")], [0]], None)]

    assert lines == ["dead letters", "           7", "           0"]


def test_columns_are_as_wide_as_control_characters_are_shown() -> None:
    for character, shown in (("\x1b", r"\x1b"), ("\ud83d", r"\ud83d"), ("\u202e", r"\u202e")):
        lines = ["".join(line) for line in table_lines(["a", "b"], [[character, "x"], ["yy", "x"]], None)]

        widths = " " * (len(shown) - 1), " " * (len(shown) - 2)
        assert lines == [f"a{widths[0]}  b", f"{shown}  x", f"yy{widths[1]}  x"]
