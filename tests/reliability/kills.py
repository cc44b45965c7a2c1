"""
Real workers, killed at random while they work: python -m tests.reliability.kills --tasks 1000 --kills 100

Prints one line of JSON: what was lost, done twice, stuck or wrong. Exit code 1 if anything was.
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
from contextlib import suppress
from typing import Any

# Outstanding tasks: the stand-in for SQS looks through a whole queue at every receive.
CHUNK = 60
PATIENCE_SECONDS = 300.0


class Run:
    """One run, on AWS on this machine."""

    def __init__(self, aws: Any, tasks: int, kills: int, seed: int) -> None:
        self.aws, self.tasks, self.kills = aws, tasks, kills
        self.dice = random.Random(seed)
        self.ids: dict[str, int] = {}
        self.killed = 0
        self.began = time.monotonic()

    def go(self) -> None:
        """Enqueue, kill and wait, until every task has ended or patience has."""
        step = self.tasks / self.kills if self.kills else float("inf")
        done = 0
        while time.monotonic() - self.began < PATIENCE_SECONDS:
            done = len(self.booked())
            if len(self.ids) < self.tasks and len(self.ids) - done < CHUNK:
                self.enqueue(min(25, self.tasks - len(self.ids)))
            if self.killed < self.kills and done >= self.killed * step:
                self.kill()
            if done == self.tasks and len(self.ids) == self.tasks:
                if self.killed >= self.kills and not self.unended():
                    return
                time.sleep(0.2)
            else:
                time.sleep(0.1)

    def enqueue(self, count: int) -> None:
        from tests.reliability.site_tasks import book

        for _ in range(count):
            number = len(self.ids)
            self.ids[book.enqueue(number).id] = number

    def kill(self) -> None:
        """Kill a worker that lives, chosen at random."""
        pids = self.aws.invoker.pids("killed-default-worker")
        if pids:
            with suppress(ProcessLookupError):
                os.kill(self.dice.choice(pids), signal.SIGKILL)
                self.killed += 1

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
        records = self.records()
        ended = {"SUCCESSFUL", "FAILED"}
        return [i for i in self.ids if i not in records or records[i]["status"]["S"] not in ended]

    def report(self) -> dict[str, Any]:
        records, booked, unended = self.records(), self.booked(), self.unended()
        wrong = [
            task_id
            for task_id, number in self.ids.items()
            if task_id not in unended and records[task_id].get("result", {}).get("S") != str(2 * number)
        ]
        return {
            "tasks": len(self.ids),
            "killed": self.killed,
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
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="offload-kills-") as folder:
        os.environ["RELIABILITY_DATABASE"] = os.path.join(folder, "db.sqlite3")
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.reliability.site"
        import django

        django.setup()
        report = run(given.tasks, given.kills, given.seed)
    print(json.dumps({**report, "seed": given.seed}))
    failures = ("lost", "duplicated", "stuck", "wrong")
    return 1 if any(report[kind] for kind in failures) or report["killed"] < given.kills else 0


def run(tasks: int, kills: int, seed: int) -> dict[str, Any]:
    from django.core.management import call_command
    from django.db import connection

    from django_offload.local.local_aws import LocalAWS
    from tests.reliability.databases import LEDGER

    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute(LEDGER)
    with LocalAWS(concurrency=2, log=lambda line: None) as aws:
        this = Run(aws, tasks, kills, seed)
        this.go()
        return this.report()


if __name__ == "__main__":
    sys.exit(main())
