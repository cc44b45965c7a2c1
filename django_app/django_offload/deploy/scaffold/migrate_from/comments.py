"""What offload_init --from prints above the diff, as lines that git apply skips."""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from .celery.finder import Findings, Place
from .report import Report

WIDTH = 100


def comment_lines(report: Report) -> Iterator[str]:
    """Yield the lines, each of which begins with #."""
    if report.findings is None:
        yield summary(report, len(report.notes))
        yield from (f"# {note}" for note in report.notes)
    else:
        yield from celery_lines(report, report.findings)
    if report.unread:
        yield "#"
        yield "# Not read:"
        yield from (f"#     {note.path} {note.text}" for note in report.unread)


def celery_lines(report: Report, findings: Findings) -> Iterator[str]:
    yield summary(report, findings.places + len(findings.unknown))
    if not (findings.places or findings.renamed or findings.unknown):
        yield f"# {counted(report.files, 'module')} read. None of them uses Celery."
        return
    yield (
        f"# {counted(report.files, 'module')} read. {counted(findings.renamed, 'place')} renamed or right as "
        f"it is, {counted(findings.places, 'place')} in {counted(len(findings.decisions), 'idiom')} below, "
        f"{len(findings.unknown)} unknown."
    )
    for idiom, places in findings.decisions.items():
        yield "#"
        yield f"# {idiom.name}"
        yield from commented(idiom.answer)
        yield from place_lines(places)
    if findings.unknown:
        yield "#"
        yield f"# {counted(len(findings.unknown), 'place')} still use celery, and this command has no answer:"
        yield from (f"#     {place.path}:{place.line}: {place.use}" for place in findings.unknown)
    yield "#"
    yield "# The setting that this code needs once all of it is moved:"
    yield "#"
    yield from (f"#     {line}" for line in report.setting.splitlines())


def summary(report: Report, decisions: int) -> str:
    return (
        f"# {report.lines} lines change in {counted(len(report.diffs), 'file')}; {decisions} to decide. "
        "Nothing was changed. Apply the diff with git apply or in your editor."
    )


def place_lines(places: Sequence[Place]) -> Iterator[str]:
    """Yield the places of one idiom: a line for each file, and one for each place that has a reason."""
    for path, group in groupby(places, key=lambda place: place.path):
        of_file = list(group)
        numbers = ", ".join(str(place.line) for place in of_file if not place.why)
        if numbers:
            yield f"#     {path}:{numbers}"
        yield from (
            f"#     {path}:{place.line}: stays, because {place.why}" for place in of_file if place.why
        )


def commented(text: str) -> Iterable[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent="#     ",
        subsequent_indent="#     ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
