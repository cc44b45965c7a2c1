"""What the repository as a whole keeps: its top level, no skipped test, no machine's own paths."""

import ast
import re
from pathlib import Path

from tests.architecture.sources import ROOT, modules, shown, tracked, tree

TOP_LEVEL = {
    *("django_app", "lambdas", "infra", "tests", "docs", ".ci"),
    *("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "Makefile"),
    "SECURITY.md",
    "BENCHMARKS.md",
    *("pyproject.toml", "requirements.in", "requirements.lock", "zappa_settings.json"),
    *(".gitignore", ".python-version", ".readthedocs.yaml"),
}
WAYS_TO_SKIP = {
    "skip",
    "skipif",
    "xfail",
    "importorskip",
    "skipIf",
    "skipUnless",
    "expectedFailure",
    "SkipTest",
}
# A developer's own folders; an index that only one network reaches; work left for later.
NEVER = re.compile(r"/home/\w+/|/Users/\w+/|file:///|\b(?:TODO|FIXME|XXX|HACK)\b")


def texts():
    for path in tracked():
        if path != Path(__file__):
            try:
                yield path, path.read_text()
            except UnicodeDecodeError:
                continue


def test_the_top_level_holds_what_it_should_and_nothing_else():
    tops = {shown(path).partition("/")[0] for path in tracked()}

    assert tops - TOP_LEVEL == set()
    assert TOP_LEVEL - tops <= {"docs"}


def test_no_test_is_skipped_or_expected_to_fail():
    found = [
        f"{shown(path)}:{node.lineno} {node.attr}"
        for path in modules(ROOT / "tests")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and node.attr in WAYS_TO_SKIP
    ]

    assert not found, "Make these tests run everywhere, or take them out: " + ", ".join(found)


def test_no_file_names_the_machine_it_was_written_on():
    own = re.compile("|".join(re.escape(f"{folder}/") for folder in (ROOT, Path.home())))

    found = [shown(path) for path, text in texts() if own.search(text) or NEVER.search(text)]

    assert not found, f"Take machines' paths and unfinished work out of: {found}"


def test_every_script_is_executable():
    scripts = [path for path, text in texts() if text.startswith("#!")]

    assert ROOT / ".ci" / "run" in scripts
    assert [shown(path) for path in scripts if not path.stat().st_mode & 0o100] == []
