"""Hold a served site against its OpenAPI document: `make schemathesis`."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
DOCUMENT = ROOT / "django_app" / "docs" / "reference" / "openapi.json"
BIN = ROOT / ".venv-schemathesis" / "bin"


def main(arguments: list[str]) -> int:
    if not BIN.exists():
        print("schemathesis isn't installed. Run make schemathesis, which installs it.", file=sys.stderr)
        return 2
    if subprocess.run([BIN / "openapi-spec-validator", DOCUMENT], check=False).returncode:
        return 1
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "tests.openapi.settings",
            "OPENAPI_DATABASE": str(Path(folder) / "site.sqlite3"),
        }
        command = [sys.executable, "-m", "tests.openapi.serve"]
        with subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as site:
            line = site.stdout.readline() if site.stdout else ""
            if not line:
                print("The site didn't start. See its messages above.", file=sys.stderr)
                return 2
            served = json.loads(line)
            url = served.pop("url")
            command = [BIN / "schemathesis", "--config-file", HERE / "schemathesis.toml", "run", DOCUMENT]
            command += ["--url", url, "--checks", "all", *arguments]
            environment = os.environ | served | {"SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(HERE)}
            return subprocess.run(command, cwd=folder, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
