"""What the doctor says, for tests."""

from typing import Any

from tests.unit.management.commands import run_json


def diagnosis() -> tuple[int, dict[str, Any], Any]:
    """Return the exit code, the findings by their id, and all that was said."""
    code, said = run_json("offload_doctor")
    return code, {one["id"]: one for one in said["findings"]}, said


def only(expected: str) -> str:
    """Return what is said of the one finding there must be."""
    code, findings, _ = diagnosis()
    assert (code, list(findings)) == (1, [expected])
    assert findings[expected]["mend"].endswith(".")
    return str(findings[expected]["text"])
