"""
The scheduled tasks of a project: those in TASKS, and the decorated ones.

    python -m django_offload.local.aws.project_schedules

prints them as JSON. A process that runs already asks a new one, because it can't import changed code again.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass

# A project whose import takes longer is followed at its next change.
LONGEST_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectSchedule:
    """A scheduled task, and the function that enqueues it."""

    alias: str
    name: str
    when: str
    timezone: str
    sweeper: str


def project_schedules() -> list[ProjectSchedule]:
    """Return the schedules of every alias in TASKS, as this process has imported them."""
    from ...conf import configured
    from ...definition.schedules import schedules_of

    return [
        ProjectSchedule(
            alias=options.alias,
            name=name,
            when=recurrence.when,
            timezone=recurrence.timezone,
            sweeper=options.function("sweeper"),
        )
        for options in configured().values()
        for name, recurrence in schedules_of(options).items()
    ]


def current_schedules(environment: Mapping[str, str]) -> list[ProjectSchedule]:
    """Return the schedules as a new process imports them. Raise RuntimeError if it can't."""
    try:
        ended = subprocess.run(
            [sys.executable, "-m", __name__],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LONGEST_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise RuntimeError(str(exc)) from exc
    lines = ended.stdout.splitlines()
    if ended.returncode != 0 or not lines:
        raise RuntimeError((ended.stderr.splitlines() or ["it printed nothing"])[-1])
    return [ProjectSchedule(**values) for values in json.loads(lines[-1])]  # Settings may print, too.


def main() -> None:
    import django

    django.setup()
    print(json.dumps([asdict(schedule) for schedule in project_schedules()]))


if __name__ == "__main__":
    main()
