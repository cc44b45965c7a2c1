"""Tests of a project pass, or fail with a helpful report, under pytest, xdist and Django's own runner."""

import sys

import pytest

from tests.plugin.conftest import Run


def test_the_fixtures_work_in_two_processes_of_xdist(run: Run) -> None:
    result = run("-n", "2", "-v", "usage", "aws", "quiet")

    result.assert_outcomes(passed=21 + 9 + 36)
    assert {line.split()[0] for line in result.outlines if line.startswith("[gw")} == {"[gw0]", "[gw1]"}


def test_the_report_of_a_test_that_forgets_the_commit_says_so(run: Run) -> None:
    result = run("wrong", "-v")

    result.assert_outcomes(failed=4)
    result.stdout.fnmatch_lines(["*assert 0 (1 task waits for a commit that never comes*"])
    sections = [line for line in result.outlines if "Tasks that were not run" in line]
    assert len(sections) == 4


@pytest.mark.parametrize("plugins", [[], ["-p", "no:django", "-p", "no:xdist"]])
def test_the_fixtures_work_without_a_database(
    run: Run, plugins: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "shop.settings_without_database")

    run("-q", "nodb", *plugins).assert_outcomes(passed=3)


def test_the_fixtures_work_with_djangos_own_runner(run: Run, pytester: pytest.Pytester) -> None:
    result = pytester.run(
        sys.executable, "-m", "django", "test", "--settings=shop.settings", "--pattern=usage_*.py", "plain"
    )

    assert result.ret == 0, result.errlines
    assert "Ran 1 test" in str(result.stderr)
