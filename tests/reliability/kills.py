"""
Real workers, killed at random while they work: python -m tests.reliability.kills --tasks 1000 --kills 100

Prints one line of JSON: what was lost, done twice, stuck or wrong. Exit code 1 if anything was, or if it took
longer than --within seconds, where that is given.
"""

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.reliability.nursery import POINTS, STORED, Nursery

# Outstanding tasks: the stand-in for SQS looks through a whole queue at every receive.
OUTSTANDING = 100
# Enqueued at once: meanwhile nobody is killed.
TOGETHER = 10
# Tasks are at most so many kills ahead: fast workers would have none left for the last to meet.
AHEAD = 5
PATIENCE_SECONDS = 300.0
# How long a message is away once it was received: a lease's length, so that what a killed worker held comes
# again when it can be claimed. The template's is six times the function's timeout, as AWS advises.
VISIBILITY_SECONDS = 8
BETWEEN = "between attempts"


def ended(record: dict[str, Any] | None) -> bool:
    return record is not None and record["status"]["S"] in {"SUCCESSFUL", "FAILED"}


class Run:
    """One run, on AWS on this machine."""

    def __init__(self, aws: Any, nursery: Nursery, tasks: int, kills: int, seed: int) -> None:
        self.aws, self.nursery, self.tasks, self.kills = aws, nursery, tasks, kills
        self.dice = random.Random(seed)
        self.ids: dict[str, int] = {}
        # Where each worker was killed, and the order that none has come to yet.
        self.killed: Counter[str] = Counter()
        self.order: str | None = None
        self.open: list[str] | None = None  # Once all have been worked on, those that have not ended.
        self.began = time.monotonic()

    def go(self) -> None:
        """Enqueue, kill and wait, until every task has ended or patience has."""
        step = self.tasks / self.kills if self.kills else float("inf")
        while time.monotonic() - self.began < PATIENCE_SECONDS:
            done, most = self.done(), min(self.tasks, (self.killed.total() + AHEAD) * step)
            if len(self.ids) < most and len(self.ids) - done < OUTSTANDING:
                self.enqueue(min(TOGETHER, self.tasks - len(self.ids)))
            if self.killed.total() < self.kills and len(self.ids) >= self.killed.total() * step:
                self.kill()
            if done < self.tasks or self.killed.total() < self.kills:
                time.sleep(0.05)
            elif self.unended():
                time.sleep(0.5)
            else:
                return

    def kill(self) -> None:
        """Kill a worker at a point of its attempt, one in five wherever it is."""
        if self.order is not None:
            if self.nursery.outstanding(self.order):
                return
            self.killed[self.order] += 1
            self.order = None
        if self.killed.total() == self.kills:
            return
        if self.killed.total() % 5 == 4:
            self.strike()
        else:
            self.order = POINTS[self.dice.randrange(len(POINTS))]
            self.nursery.order(self.order)

    def strike(self) -> None:
        """Kill a worker that lives, chosen at random, and note what it was at."""
        pids = self.aws.invoker.inner.pids("killed-default-worker")
        if pids:
            pid = self.dice.choice(pids)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                seen = self.nursery.last_seen(pid)
                self.killed[BETWEEN if seen in {None, STORED} else str(seen)] += 1

    def enqueue(self, count: int) -> None:
        from tests.reliability.site_tasks import book

        for _ in range(count):
            number = len(self.ids)
            self.ids[book.enqueue(number).id] = number

    def done(self) -> int:
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("SELECT count(DISTINCT entry) FROM ledger")
            return int(cursor.fetchone()[0])

    def booked(self) -> Counter[int]:
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("SELECT entry, count(*) FROM ledger GROUP BY entry")
            return Counter({int(entry): count for entry, count in cursor.fetchall()})

    def records(self) -> dict[str, dict[str, Any]]:
        pages = self.aws.server.client("dynamodb").get_paginator("scan").paginate(TableName="killed-tasks")
        items = [item for page in pages for item in page["Items"]]
        return {item["id"]["S"]: item for item in items if item["part"]["S"] == "record"}

    def unended(self) -> list[str]:
        """Return the tasks that have not ended; each is asked for until it has."""
        if self.open is None:
            records = self.records()
            self.open = [task_id for task_id in self.ids if not ended(records.get(task_id))]
        else:
            self.open = [task_id for task_id in self.open if not ended(self.record(task_id))]
        return self.open

    def record(self, task_id: str) -> dict[str, Any] | None:
        key = {"id": {"S": task_id}, "part": {"S": "record"}}
        found: dict[str, Any] = self.aws.server.client("dynamodb").get_item(TableName="killed-tasks", Key=key)
        return found.get("Item")

    def report(self) -> dict[str, Any]:
        records, booked = self.records(), self.booked()
        unended = [task_id for task_id in self.ids if not ended(records.get(task_id))]
        wrong = [
            task_id
            for task_id, number in self.ids.items()
            if task_id not in unended and records[task_id].get("result", {}).get("S") != str(2 * number)
        ]
        return {
            "tasks": len(self.ids),
            "killed": self.killed.total(),
            "killed_at": dict(self.killed),
            "lost": sum(not booked[number] for number in self.ids.values()),
            "duplicated": sum(count > 1 for count in booked.values()),
            "stuck": len(unended),
            "wrong": len(wrong),
            "errors": dict(Counter(records[task_id].get("error", {}).get("S", "none") for task_id in wrong)),
            "attempts": sum(len(record.get("workers", {}).get("L", [])) for record in records.values()),
            "seconds": round(time.monotonic() - self.began, 1),
        }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--within", type=float, default=None, help="seconds that it may take")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="offload-kills-") as folder:
        os.environ["RELIABILITY_DATABASE"] = os.path.join(folder, "db.sqlite3")
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.reliability.site"
        import django

        django.setup()
        report = run(given.tasks, given.kills, given.seed, folder)
    problems = verdict(report, given.kills, given.within)
    print(json.dumps({**report, "seed": given.seed}))
    if given.within is not None:
        print(
            "; ".join(problems) or f"Nothing lost, nothing twice, within {given.within:g} s.", file=sys.stderr
        )
    return 1 if problems else 0


def verdict(report: Mapping[str, Any], kills: int, within: float | None) -> list[str]:
    """Return what is not as it has to be, in words."""
    problems = [f"{report[kind]} {kind}" for kind in ("lost", "duplicated", "stuck", "wrong") if report[kind]]
    if report["killed"] < kills:
        problems.append(f"only {report['killed']} of {kills} workers were killed")
    if within is not None and report["seconds"] > within:
        problems.append(f"it took {report['seconds']} s, more than {within:g}")
    return problems


def run(tasks: int, kills: int, seed: int, folder: str) -> dict[str, Any]:
    from django.core.management import call_command
    from django.db import connection

    from django_offload.local.aws.local_aws import LocalAWS
    from tests.reliability.databases import LEDGER

    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute(LEDGER)
    nursery = Nursery(Path(folder))
    with nursery.install(), LocalAWS(concurrency=2, log=lambda line: None) as aws:
        sqs = aws.server.client("sqs")
        sqs.set_queue_attributes(
            QueueUrl=sqs.get_queue_url(QueueName="killed-default")["QueueUrl"],
            Attributes={"VisibilityTimeout": str(VISIBILITY_SECONDS)},
        )
        this = Run(aws, nursery, tasks, kills, seed)
        this.go()
        report = this.report()
    nursery.close()
    return report


if __name__ == "__main__":
    sys.exit(main())
