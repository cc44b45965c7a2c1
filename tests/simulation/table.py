"""One table: what was counted for each design, the faults by kind, and how soon it recovered."""

from dataclasses import dataclass, field

from .checker import Report
from .deploys import ROLLOUT
from .designs import OTHERS
from .faults import Fault

# A sweep each minute finds what is due, and 5 s bring its message to a worker.
BOUND = 65.0
COUNTED = (
    "attempted",
    "acknowledged",
    "ok",
    "recovered",
    "lost",
    "duplicated",
    "stuck",
    "wrong",
    "unexpected",
    "dead-lettered",
    "unpromised",
)


@dataclass(slots=True)
class Row:
    """One design."""

    name: str
    report: Report = field(default_factory=Report)
    seconds: float = 0.0


def show(rows: list[Row]) -> str:
    """Return the table as text, a column per design, with its legend."""
    lines = [_line("", [row.name for row in rows])]
    lines += [_line(name, [f"{row.report.counts[name]:,}" for row in rows]) for name in COUNTED]
    lines.append(_line("faults", [f"{row.report.faults.total():,}" for row in rows]))
    for fault in Fault:
        lines.append(_line(f"  {fault.value}", [f"{row.report.faults[fault.value]:,}" for row in rows]))
    for name in dict.fromkeys(release.name for release in ROLLOUT):
        lines.append(_line(f"writes, {name}", [f"{row.report.writes[name]:,}" for row in rows]))
    for title, undisturbed in (("recovery", True), ("… disturbed ones too", False)):
        for share in (0.5, 0.99):
            seconds = [row.report.recovery(share, undisturbed=undisturbed) for row in rows]
            lines.append(_line(f"{title} p{share:.0%}"[:-1], [f"{value:.1f} s" for value in seconds]))
    lines.append(_line("recoveries", [f"{len(row.report.recoveries):,}" for row in rows]))
    undisturbed = [sum(alone for _, alone in row.report.recoveries) for row in rows]
    lines.append(_line("  undisturbed", [f"{count:,}" for count in undisturbed]))
    lines.append(
        _line("  of all", [_share(row, count) for row, count in zip(rows, undisturbed, strict=True)])
    )
    lines.append(_line("seconds", [f"{row.seconds:.1f}" for row in rows]))
    rates = [row.report.counts["attempted"] / max(row.seconds, 0.001) for row in rows]
    lines.append(_line("tasks/s", [f"{rate:,.0f}" for rate in rates]))
    lines.append(
        f"recovery: from the end of the lease (or due_at at birth) to the next claim; at most {BOUND:.0f} s"
    )
    lines.append(
        "unpromised: left READY by a process that died within enqueue(), where the index has only trouble"
    )
    lines.append(
        "undisturbed: no other fault struck it meanwhile or had its due_at moved before, "
        "and no neighbour in its batch worked before it"
    )
    lines += [f"{design.name}: {design.lacks}" for design in OTHERS]
    lines += _wrong(rows)
    return "\n".join(lines)


def _line(title: str, cells: list[str]) -> str:
    return f"{title:<24}" + "".join(f"{cell:>16}" for cell in cells)


def _share(row: Row, count: int) -> str:
    return f"{100 * count / max(len(row.report.recoveries), 1):.0f} %"


def _wrong(rows: list[Row]) -> list[str]:
    """Return what was wrong most often, in words."""
    return [
        f"{row.name}: {count:,} × {text}" for row in rows for text, count in row.report.wrong.most_common(3)
    ]
