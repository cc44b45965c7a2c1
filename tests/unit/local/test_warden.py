"""The process that ends the others."""

import os
import signal
import subprocess
import sys
import textwrap

from django_offload.local.watchdog import Warden

from .fakes import eventually

SLEEPER = [sys.executable, "-I", "-S", "-c", "import time; time.sleep(60)"]


def sleeper() -> subprocess.Popen[bytes]:
    return subprocess.Popen(SLEEPER, process_group=0)


def test_what_is_left_at_the_end_is_killed() -> None:
    warden, left, taken_off = Warden(), sleeper(), sleeper()
    warden.add(left.pid)
    warden.add(taken_off.pid)
    warden.remove(taken_off.pid)

    warden.close()

    assert left.wait(5) == -signal.SIGKILL
    assert taken_off.poll() is None
    taken_off.kill()
    taken_off.wait()


def test_processes_end_though_their_parent_is_killed() -> None:
    program = textwrap.dedent(f"""
        import subprocess, sys, time
        from django_offload.local.watchdog import Warden
        warden = Warden()
        child = subprocess.Popen({SLEEPER!r}, process_group=0)
        warden.add(child.pid)
        print(child.pid, warden._process.pid, flush=True)
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


def test_a_warden_that_was_killed_is_no_problem() -> None:
    warden = Warden()
    warden._process.kill()
    warden._process.wait()

    warden.add(2**22 + 1)
    warden.remove(2**22 + 1)
    warden.close()


def running(pid: int) -> bool:
    """Return whether a process lives; one that only waits to be collected does not."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
