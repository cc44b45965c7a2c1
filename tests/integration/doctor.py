"""The doctor's findings, for tests."""

from typing import Any

from tests.unit.management.commands import run_json


def diagnosis() -> tuple[int, dict[str, Any], Any]:
    """Return the exit code, the findings by id, and the whole report."""
    code, report = run_json("offload_doctor")
    return code, {finding["id"]: finding for finding in report["findings"]}, report


def only(expected: str) -> str:
    """Return the text of the only finding, which must have this id."""
    code, findings, _ = diagnosis()
    assert (code, list(findings)) == (1, [expected])
    assert findings[expected]["mend"].endswith(".")
    return str(findings[expected]["text"])
