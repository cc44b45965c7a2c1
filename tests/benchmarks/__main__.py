"""make bench: measure, and write BENCHMARKS.md."""

import argparse
import importlib
import json
import os
import pkgutil
import subprocess
import sys

import django

from tests.benchmarks import sections
from tests.benchmarks.processes import ROOT
from tests.benchmarks.report import moment, page
from tests.benchmarks.rounds import QUICK_ROUNDS, Plan

PYTHON = ROOT / ".venv-bench" / "bin" / "python"
PAGE = ROOT / "BENCHMARKS.md"
# A module in sections/ is a section. It declares its aims as the figures of what its section() returns.
FIRST, LAST = ("enqueue", "bulk", "worker", "signing", "cold", "cost", "memory", "scaling"), ("pages",)
FOUND = sorted(module.name for module in pkgutil.iter_modules(sections.__path__))
NAMES = (*FIRST, *(name for name in FOUND if name not in FIRST + LAST), *LAST)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"only some of {', '.join(NAMES)}")
    parser.add_argument("--quick", action="store_true", help="few and short rounds; the page is not written")
    given = parser.parse_args()
    unknown = set(given.sections) - set(NAMES)
    if unknown:
        parser.error(f"there is no section {', '.join(sorted(unknown))}: choose from {', '.join(NAMES)}")
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.benchmarks.site"
    django.setup()
    text = made(given.sections or NAMES, quick=given.quick)
    if given.sections or given.quick:
        print(text)
    else:
        PAGE.write_text(text)
        print(f"{PAGE.name} is written.")
    return 0


def made(names: list[str] | tuple[str, ...], *, quick: bool) -> str:
    """Measure section by section, saying so, and return the page."""
    plan = Plan(rounds=QUICK_ROUNDS, seconds=0.05, python=str(PYTHON)) if quick else Plan(python=str(PYTHON))
    measured = []
    for name in names:
        print(f"Measuring: {name}", file=sys.stderr, flush=True)
        section = importlib.import_module(f"tests.benchmarks.sections.{name}").section(plan)
        section.measured = moment()
        measured.append(section)
    return page(measured, "make bench", versions())


def versions() -> dict[str, str]:
    """Return what is installed where the others are."""
    program = "import json; from tests.benchmarks.report import versions; print(json.dumps(versions()))"
    said = subprocess.run(
        [PYTHON, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    found: dict[str, str] = json.loads(said)
    return found


if __name__ == "__main__":
    sys.exit(main())
