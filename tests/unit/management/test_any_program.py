"""Every command can be called by any program: with arguments of its own, with none, from a thread."""

import json
import os
import subprocess
import sys

import pytest

from tests.architecture.sources import ROOT

# What each command answers here, where no AWS can be reached and no stage is described.
CALLS = {
    "offload_dead list": 2,
    "offload_deploy --stage nowhere": 2,
    "offload_doctor": 2,
    "offload_init --dry-run": 0,
    "offload_local --services-only": 2,
    "offload_package --stage nowhere": 2,
    "offload_result 00000000000000000000000000000000": 2,
    "offload_status": 2,
    "offload_sweep": 2,
    "offload_template": 0,
}
SCRIPT = """
import json, sys, threading
from io import StringIO
PROGRAM, CALLS = json.loads(sys.argv[1]), json.loads(sys.argv[2])
if PROGRAM is None:
    del sys.argv
else:
    sys.argv[:] = PROGRAM
import django
django.setup()
from django.core.management import CommandError, call_command
answers = {}
def call_all():
    for call in CALLS:
        out, errors = StringIO(), StringIO()
        try:
            call_command(*call.split(), stdout=out, stderr=errors)
        except CommandError as exc:
            answers[call] = exc.returncode
        except SystemExit as exc:
            answers[call] = exc.code
        except BaseException as exc:
            answers[call] = repr(exc)
        else:
            answers[call] = 0
thread = threading.Thread(target=call_all)
thread.start()
thread.join()
print(json.dumps([answers, getattr(sys, "argv", None)]))
"""


@pytest.mark.parametrize("program", [["worker.py", "offload_deploy", "--json"], None])
def test_any_program_can_call_every_command_from_a_thread(program):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(program), json.dumps(list(CALLS))],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 0, done.stderr
    answers, argv = json.loads(done.stdout)
    assert answers == CALLS
    assert argv == program
