"""What BENCHMARKS.md says: sections of Markdown tables, and the figures with whether they were reached."""

import os
import platform
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

ABOUT = """\
AWS is a stand-in on this machine. It answers at once, or after a delay, so that the figures show only the
client's own cost. Each contender is a process of its own, in which Django is set up if views call it. The
contenders take turns in interleaved rounds. A time is the median of the rounds, and a ratio is the median
of the rounds' ratios. Some ratios are ratios of medians: those of tasks/s, of cold starts beyond Django, of
the worker's table and of the pages. The reason is that Celery's worker has three rounds of its own, after
the others. Wall time depends much on what else the machine does, CPU time less. A figure near its bound
changes sides between runs on a busy machine. A retired figure is still measured, but no longer has to be
reached. Its row says why.
"""
# No line of prose is longer on any page.
LINE = 118
PACKAGES = (
    "Django",
    "boto3",
    "celery",
    "kombu",
    "zappa",
    "dramatiq-sqs",
    "django-tasks-sqs",
    "django-tasks-db",
    "django-lambda-tasks",
    "awslambdaric",
)


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure to reach, and what was measured."""

    name: str
    measured: float
    bound: float
    unit: str = "×"
    at_least: bool = False
    # Why it's no longer to be reached. Its row stays.
    retired: str = ""

    @property
    def reached(self) -> bool:
        return self.measured >= self.bound if self.at_least else self.measured <= self.bound

    def cells(self) -> tuple[str, str, str, str]:
        sign = "≥" if self.at_least else "≤"
        said = "reached" if self.reached else "**not reached**"
        if self.retired:
            said = f"retired: {self.retired}"
        bound, measured = (f"{number(value)} {self.unit}".rstrip() for value in (self.bound, self.measured))
        return self.name, f"{sign} {bound}", measured, said


@dataclass(slots=True)
class Section:
    """One part of the page."""

    title: str
    text: str
    tables: list[str] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    after: str = ""
    measured: str = ""  # When it was, and with which load.

    def markdown(self) -> str:
        return "\n".join(
            [
                f"## {self.title}\n",
                *([f"{prose(f'Measured on {self.measured}.')}\n"] if self.measured else []),
                f"{prose(self.text)}\n",
                *self.tables,
                *([self.after] if self.after else []),
            ]
        )


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; every column but the first is one of numbers."""
    lines = [f"| {' | '.join(heads)} |", f"|---|{'---:|' * (len(heads) - 1)}"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def prose(text: str) -> str:
    """Return a text as lines of at most LINE characters."""
    return textwrap.fill(text, LINE, break_long_words=False, break_on_hyphens=False)


def number(value: float) -> str:
    """Return a number with three digits that count, and no more."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3f}" if abs(value) < 0.1 else f"{value:.2f}"


def page(sections: Sequence[Section], command: str, versions: Mapping[str, str]) -> str:
    """Return the whole page."""
    figures = [figure for section in sections for figure in section.figures]
    names = ", ".join(f"{name} {number}" for name, number in versions.items())
    head = (
        "# Benchmarks\n\n"
        f"`{command}` wrote this page on {instant()}.\n\n"
        f"Machine: {machine()}.\n\n"
        f"{prose(f'Versions: Python {platform.python_version()}, {names}.')}\n\n"
        f"{prose(ABOUT)}\n\n"
    )
    return head + "\n".join([summary(figures), *[section.markdown() for section in sections]])


def summary(figures: Sequence[Figure]) -> str:
    """Return the table of all figures, with its heading. What is retired doesn't count."""
    to_reach = [figure for figure in figures if not figure.retired]
    reached = sum(figure.reached for figure in to_reach)
    rows = [figure.cells() for figure in figures]
    return (
        f"## Figures to reach: {reached} of {len(to_reach)}\n\n"
        f"{table(['figure', 'to reach', 'measured', ''], rows)}"
    )


def instant() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"


def moment() -> str:
    """Return when this is, and the load of the machine."""
    return f"{instant()}, with a load of {os.getloadavg()[0]:.1f}"


def machine() -> str:
    """Return processor, number of cores and system."""
    info = Path("/proc/cpuinfo")
    names = [
        line.partition(":")[2].strip()
        for line in info.read_text().splitlines()
        if line.startswith("model name")
    ]
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores of {names[0] if names else platform.machine()}, "
        f"{platform.system()}, a load of {load:.1f} when it ended"
    )


def versions() -> dict[str, str]:
    """Return the versions of what was measured; run where it is installed."""
    return {name: version(name) for name in PACKAGES}
