"""The processes of a measurement: the stand-in for AWS, and one for each contender."""

import json
import os
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.benchmarks.contenders import KINDS

ROOT = Path(__file__).resolve().parents[2]
FOREIGN = ("AWS_", "DJANGO", "PYTHON", "BENCHMARK_", "OFFLOAD_")
END_SECONDS = 20
ASYNCHRONOUS = {"awaited", "fresh_contexts"}


def clean_environment(**more: str) -> dict[str, str]:
    """Return the environment of this process without what would change a measurement."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    return {**kept, "PYTHONPATH": os.pathsep.join([str(ROOT / "django_app"), str(ROOT)]), **more}


def found_by(module: str, *arguments: object, environment: Mapping[str, str]) -> Any:
    """Run a module of the benchmarks in a process of its own, and return the JSON that it prints last."""
    command = [sys.executable, "-m", f"tests.benchmarks.{module}", *map(str, arguments)]
    process = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if process.returncode != 0:
        raise ChildProcessError(f"{' '.join(command)} failed: fix what it says.\n{process.stderr}")
    return json.loads(process.stdout.splitlines()[-1])


class Process:
    """A process that is spoken to in lines, and ends with its standard input."""

    def __init__(self, command: list[str], environment: Mapping[str, str]) -> None:
        self._name = " ".join(command)
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def line(self) -> str:
        """Return the next line it says."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        if not line:
            raise ChildProcessError(f"{self._name} ended: what it said stands above; mend that.")
        return line

    def tell(self, text: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{text}\n")
        self._process.stdin.flush()

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(END_SECONDS)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()


class Stub(Process):
    """The stand-in for AWS."""

    def __init__(self, *, delay: float = 0, certificate: Path | None = None, due: int = 0) -> None:
        more = ["--tls", str(certificate)] if certificate else []
        command = [sys.executable, "-m", "tests.benchmarks.stub", "--delay", str(delay), "--due", str(due)]
        command += more
        super().__init__(command, clean_environment())
        self.url, self.certificate = self.line(), certificate
        self._context = _trusting(certificate)

    def counts(self) -> dict[str, Any]:
        """Return what was called since this was last asked."""
        with urllib.request.urlopen(f"{self.url}/counts", context=self._context) as answer:  # noqa: S310
            found: dict[str, Any] = json.load(answer)
        return found

    @property
    def environment(self) -> dict[str, str]:
        """What leads another process here."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "DJANGO_SETTINGS_MODULE": "tests.benchmarks.site",
            **({"AWS_CA_BUNDLE": str(self.certificate)} if self.certificate else {}),
        }


class Driver(Process):
    """One contender, which measures itself."""

    def __init__(self, kind: str, name: str, stub: Stub, python: str = sys.executable) -> None:
        self.contender = KINDS[kind][name]
        environment = clean_environment(**stub.environment, **dict(self.contender.environment))
        super().__init__([python, "-m", "tests.benchmarks.driver", kind, name], environment)
        self._stub = stub
        self.began = json.loads(self.line())
        self.tasks: int = self.began["tasks"]

    def measure(self, calls: int, way: str = "plain") -> dict[str, Any]:
        """Have it do so many calls; return what a task of these cost, and what was called for it."""
        self._ask(prepare=calls)
        self._stub.counts()
        said, counted = self._ask(calls=calls, way=way), self._stub.counts()
        tasks = calls * self.tasks
        return {
            "cpu": said["cpu"] / tasks,
            "wall": said["wall"] / tasks,
            "connections": sum(counted["connections"].values()),
            "connected_by": counted["connections"],
            "calls": {name: count / tasks for name, count in counted["calls"].items()},
            "memory": said["memory"],
            "modules": said["modules"],
        }

    def does(self, way: str) -> bool:
        """Tell whether it can be called that way."""
        return self.began["awaited"] or way not in ASYNCHRONOUS

    def _ask(self, **order: object) -> dict[str, Any]:
        self.tell(json.dumps(order))
        said: dict[str, Any] = json.loads(self.line())
        return said


def _trusting(certificate: Path | None) -> ssl.SSLContext | None:
    return ssl.create_default_context(cafile=str(certificate)) if certificate else None
