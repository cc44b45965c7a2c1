"""
Ask PyPI for known vulnerabilities of every package that this project locks, and fail unless it answered.

Exit codes: 0 if PyPI answered about every package and knows of nothing, 1 if it knows of a vulnerability,
2 if a package got no answer. pip-audit says "No known vulnerabilities found", and exits with 0, for an index
that knows no package. So a package is passed only if the answer names it and its version and lists its
vulnerabilities, and only if the same index knows those of two old releases.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from locks import ROOT, LockError, lock_files, normalized, read

FINE, VULNERABLE, NO_ANSWER = 0, 1, 2
# Old releases with vulnerabilities that every copy of PyPI's own data has.
CANARIES = (("django", "2.2"), ("requests", "2.19.1"))
# pip-audit waits this long for a connection and for each part of an answer.
SECONDS = 20
# And this long for all of it. 500 packages take about 3 minutes.
LONGEST_SECONDS = 1800
MOST_SHOWN = 8

type Release = tuple[str, str]


@dataclass(slots=True)
class Verdicts:
    """What is known about each release after asking."""

    fine: set[Release] = field(default_factory=set)
    vulnerable: dict[Release, list[str]] = field(default_factory=dict)
    unknown: dict[Release, str] = field(default_factory=dict)


def groups(releases: Iterable[Release]) -> Iterator[list[Release]]:
    """Yield the releases so that no group has a package twice, which pip-audit refuses."""
    versions: dict[str, list[str]] = defaultdict(list)
    for name, version in sorted(releases):
        versions[name].append(version)
    for number in range(max(map(len, versions.values()), default=0)):
        yield [(name, found[number]) for name, found in versions.items() if len(found) > number]


def ask(releases: Iterable[Release], index: str, seconds: int) -> Verdicts:
    """Return the verdicts of pip-audit, but for a release that the index didn't answer about: unknown."""
    releases = set(releases)
    with tempfile.TemporaryDirectory(prefix="offload-audit-") as temporary:
        folder = Path(temporary)
        for number, group in enumerate((CANARIES, *groups(releases - set(CANARIES)))):
            (folder / f"{number}.txt").write_text("".join(f"{name}=={version}\n" for name, version in group))
        try:
            process = subprocess.run(
                [sys.executable, str(Path(__file__).parent / "answers.py"), temporary, str(seconds), index],
                capture_output=True,
                text=True,
                timeout=LONGEST_SECONDS,
                check=False,
            )
            words = (process.stderr.strip().splitlines() or ["nothing"])[-1]
        except subprocess.TimeoutExpired:
            words = f"it took more than {LONGEST_SECONDS} seconds"
        reports = [json.loads(path.read_text() or "{}") for path in sorted(folder.glob("*.json"))]
        kept = folder / "answers"
        answers = json.loads(kept.read_text()) if kept.exists() else []
    return judge(releases | set(CANARIES), reports, answers, words)


def described(vulnerability: Mapping[str, Any]) -> str:
    """Return the id of a vulnerability, and the releases without it."""
    return f"{vulnerability['id']} (fixed in {' or '.join(vulnerability['fix_versions']) or 'no release'})"


def judge(
    releases: Iterable[Release],
    reports: Iterable[Mapping[str, Any]],
    answers: Iterable[Mapping[str, Any]],
    words: str,
) -> Verdicts:
    """Return a verdict for every release, from pip-audit's reports and from what the index answered."""
    verdicts = Verdicts()
    listed = {(normalized(str(one["name"])), str(one["version"])) for one in answers if one["lists"]}
    statuses = {tuple(str(one["url"]).split("/")[-3:-1]): one["status"] for one in answers}
    reported: dict[Release, list[str]] = {}
    for report in reports:
        for one in report.get("dependencies", ()):
            if "version" in one:
                reported[normalized(one["name"]), one["version"]] = [described(vuln) for vuln in one["vulns"]]
    for release in sorted(releases):
        status = statuses.get(release)
        if reported.get(release):
            verdicts.vulnerable[release] = reported[release]
        elif release in reported and release in listed:
            verdicts.fine.add(release)
        elif release in listed:
            verdicts.unknown[release] = f"pip-audit ended before it judged it ({words})"
        elif status == 404:
            verdicts.unknown[release] = "the index doesn't know this release"
        elif status == 200:
            verdicts.unknown[release] = "the answer doesn't list the vulnerabilities of this release"
        elif status is not None:
            verdicts.unknown[release] = f"the index answered {status}"
        else:
            verdicts.unknown[release] = f"no answer ({words})"
    return verdicts


def shown(path: Path) -> str:
    """Return a path as seen from the project's folder."""
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name


def audit(locks: Iterable[Path], index: str, seconds: int) -> int:
    """Print what is known about every package of the lock files, and return the exit code."""
    where: dict[Release, list[str]] = defaultdict(list)
    for lock in locks:
        for package in read(lock):
            where[package.name, package.version].append(shown(lock))
    verdicts = ask(where, index, seconds)
    blind = [release for release in CANARIES if release not in verdicts.vulnerable]
    if blind:
        print(f"NOT AUDITED: {index or 'PyPI'} can't judge, so nothing is passed.")
        for name, version in blind:
            reason = verdicts.unknown.get((name, version), "it lists none")
            print(f"  It should know vulnerabilities of {name} {version}: {reason}.")
        print(
            "Run this where PyPI itself is reached. A mirror that only has files knows of no vulnerability."
        )
        return NO_ANSWER
    vulnerable = {release: found for release, found in verdicts.vulnerable.items() if release in where}
    for (name, version), found in vulnerable.items():
        print(f"VULNERABLE   {name} {version}: {', '.join(found)}. In {', '.join(where[name, version])}.")
    by_reason: dict[str, list[str]] = defaultdict(list)
    for (name, version), reason in verdicts.unknown.items():
        by_reason[reason].append(f"{name} {version}")
    for reason, names in by_reason.items():
        more = f" and {len(names) - MOST_SHOWN} more" if len(names) > MOST_SHOWN else ""
        print(f"NOT AUDITED  {', '.join(names[:MOST_SHOWN])}{more}: {reason}.")
    files = set(chain.from_iterable(where.values()))
    print(
        f"{len(where)} releases of {len(files)} lock files: {len(verdicts.fine)} without known "
        f"vulnerabilities, {len(vulnerable)} vulnerable, {len(verdicts.unknown)} not audited."
    )
    if vulnerable:
        print("Raise these versions: change the .in file, then run make lock and make test.")
        return VULNERABLE
    return NO_ANSWER if verdicts.unknown else FINE


def main(*arguments: str) -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(description="Audit every lock file of this project.")
    parser.add_argument("locks", nargs="*", type=Path, help="Lock files (all that git tracks).")
    parser.add_argument("--index", default="", help="The address of an index to ask instead of PyPI.")
    parser.add_argument("--seconds", type=int, default=SECONDS, help="How long to wait for an answer.")
    options = parser.parse_args(arguments)
    try:
        return audit(
            [path.resolve() for path in options.locks] or lock_files(), options.index, options.seconds
        )
    except LockError as exc:
        print(f"NOT AUDITED: {exc}")
        return NO_ANSWER


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
