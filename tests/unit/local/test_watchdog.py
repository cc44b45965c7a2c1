"""The process that kills the others."""

import os
import signal
import subprocess
import sys
import textwrap

from django_offload.local.watchdog import Watchdog

from .fakes import eventually

SLEEPER = [sys.executable, "-I", "-S", "-c", "import time; time.sleep(60)"]


def sleeper() -> subprocess.Popen[bytes]:
    return subprocess.Popen(SLEEPER, process_group=0)


def test_the_remaining_groups_are_killed_at_the_end() -> None:
    watchdog, remaining, removed = Watchdog(), sleeper(), sleeper()
    watchdog.add(remaining.pid)
    watchdog.add(removed.pid)
    watchdog.remove(removed.pid)

    watchdog.close()

    assert remaining.wait(5) == -signal.SIGKILL
    assert removed.poll() is None
    removed.kill()
    removed.wait()


def test_processes_end_even_if_their_parent_is_killed() -> None:
    program = textwrap.dedent(f"""
        import subprocess, sys, time
        from django_offload.local.watchdog import Watchdog
        watchdog = Watchdog()
        child = subprocess.Popen({SLEEPER!r}, process_group=0)
        watchdog.add(child.pid)
        print(child.pid, watchdog._process.pid, flush=True)
        time.sleep(60)
    """)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    parent = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert parent.stdout is not None
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    assert all(running(pid) for pid in pids)

    parent.kill()
    parent.wait()
    parent.stdout.close()

    eventually(lambda: not any(running(pid) for pid in pids))


def test_a_killed_watchdog_raises_no_error() -> None:
    watchdog = Watchdog()
    watchdog._process.kill()
    watchdog._process.wait()

    watchdog.add(2**22 + 1)
    watchdog.remove(2**22 + 1)
    watchdog.close()


def running(pid: int) -> bool:
    """Return True if a process runs. A zombie doesn't."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
