"""
Run pip-audit in this process, and write down what PyPI answered: answers.py FOLDER SECONDS [INDEX]

pip-audit passes a package if the answer has no list of vulnerabilities, as mirrors answer. So what each
answer is about is kept beside pip-audit's report. FOLDER has the requirements (0.txt, 1.txt, …), and gets the
rest.
INDEX is asked instead of PyPI. If it knows no vulnerability in the first file, the others aren't asked about.
"""

import json
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

FIRST = "0"


def watch(index: str, answers: list[dict[str, Any]]) -> None:
    """Send requests to `index`, unless that is empty, and add what is answered to `answers`."""
    send = requests.Session.send

    def watched(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> Any:
        if index:
            request.url = index + urlsplit(request.url or "").path
        response = send(session, request, **options)
        try:
            body = response.json() if response.status_code == 200 else None
        except ValueError:
            body = None
        info = body.get("info") if isinstance(body, dict) else None
        info = info if isinstance(info, dict) else {}
        answers.append(
            {
                "url": request.url,
                "status": response.status_code,
                "name": info.get("name"),
                "version": info.get("version"),
                "lists": isinstance(body, dict) and isinstance(body.get("vulnerabilities"), list),
            }
        )
        return response

    requests.Session.send = watched  # type: ignore[method-assign]


def main(folder: Path, seconds: str, index: str = "") -> None:
    """Audit each file of the folder. An error of pip-audit is an error here too, but what it found isn't."""
    answers: list[dict[str, Any]] = []
    watch(index.rstrip("/"), answers)
    (pip_audit,) = entry_points(group="console_scripts", name="pip-audit")
    try:
        for file in sorted(folder.glob("*.txt")):
            report = file.with_suffix(".json")
            sys.argv = [
                *("pip-audit", "--requirement", str(file), "--no-deps", "--disable-pip"),
                *("--vulnerability-service", "pypi", "--timeout", seconds, "--progress-spinner", "off"),
                *("--format", "json", "--output", str(report)),
                *("--cache-dir", str(folder / "cache")),
            ]
            try:
                pip_audit.load()()
            except SystemExit as exc:
                if exc.code not in (None, 0, 1) or not report.exists():
                    raise
            if file.stem == FIRST and not any(
                one.get("vulns") for one in json.loads(report.read_text())["dependencies"]
            ):
                break
    finally:
        (folder / "answers").write_text(json.dumps(answers))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
