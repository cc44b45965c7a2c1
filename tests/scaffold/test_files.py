"""What offload_init writes: shown first, only where somebody agrees, and over nothing of anybody's."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from django_offload.deploy.scaffold import runtime
from django_offload.deploy.scaffold.file_change import FileChange
from django_offload.deploy.scaffold.project_files import GENERATED
from django_offload.management.commands import offload_init
from django_offload.stack import template_of
from django_offload.stack.layout import Layout
from tests.unit.management.commands import run, run_json

STACK = "lab-dev"
WRITTEN = {
    *("lambdas/__init__.py", "lambdas/dead_letter.py", "lambdas/migrate.py", "lambdas/sweeper.py"),
    *("lambdas/web.py", "lambdas/worker.py", "infra/dev.json", "infra/prod.json", "infra/template.yaml"),
    "zappa_settings.json",
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a project that has nothing of ours."""
    found = Layout(root=tmp_path, source=tmp_path, settings_module="shop.settings")
    monkeypatch.setattr(offload_init, "layout", lambda root: found)
    return tmp_path


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """Return what answers the command's questions; it returns the questions."""

    def answers(text: str) -> list[str]:
        asked: list[str] = []
        monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or text)
        return asked

    return answers


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_every_change_is_shown_before_anybody_is_asked(
    project: Path, answer: Callable[[str], list[str]]
) -> None:
    asked = answer("n")

    code, said = run("offload_init")

    assert code == 0
    assert asked == ["Write 10 files? [y/N] "]
    assert {line.removeprefix("+++ b/") for line in said.splitlines() if line.startswith("+++ ")} == WRITTEN
    assert '+os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")' in said
    assert "lines more: manage.py offload_template prints them" in said
    assert "Nothing was written." in said
    assert files(project) == set()


def test_what_is_agreed_to_is_written_and_then_there_is_nothing_to_write(
    project: Path, answer: Callable[[str], list[str]]
) -> None:
    asked = answer("y")
    said = run("offload_init")[1]

    again = run("offload_init")

    assert "Wrote 10 files. Next: manage.py check, then manage.py offload_local." in said
    assert files(project) == WRITTEN
    assert (project / "infra" / "template.yaml").read_text() == template_of(STACK)
    assert (project / "infra" / "template.yaml").read_text().startswith(GENERATED)
    assert again[0] == 0
    assert again[1].endswith("Nothing to write: all is there.\n")
    assert len(asked) == 1


def test_a_dry_run_asks_nobody_and_writes_nothing(project: Path, answer: Callable[[str], list[str]]) -> None:
    asked = answer("y")

    code, said = run("offload_init", "--dry-run")

    assert (code, asked, files(project)) == (0, [], set())
    assert "+++ b/lambdas/worker.py" in said


def test_yes_asks_nobody(project: Path, answer: Callable[[str], list[str]]) -> None:
    asked = answer("n")

    run("offload_init", "--yes")

    assert asked == []
    assert files(project) == WRITTEN


def test_where_nobody_can_agree_nothing_is_written(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(question: str) -> str:
        raise EOFError

    monkeypatch.setattr("builtins.input", nobody)

    assert run("offload_init") == (2, "Nothing was written, for nobody was there to agree: add --yes.")
    assert files(project) == set()


def test_what_somebody_wrote_is_kept_and_told(project: Path) -> None:
    handler = project / "lambdas" / "worker.py"
    handler.parent.mkdir()
    handler.write_text("mine = 1\n")

    code, said = run("offload_init", "--yes")

    assert code == 0
    assert "Kept: lambdas/worker.py is not what this command would write." in said
    assert handler.read_text() == "mine = 1\n"
    assert files(project) == WRITTEN


def test_it_is_replaced_by_those_who_say_so_after_its_lines_are_shown(project: Path) -> None:
    handler = project / "lambdas" / "worker.py"
    handler.parent.mkdir()
    handler.write_text("mine = 1\n")

    said = run("offload_init", "--yes", "--overwrite")[1]

    assert "-mine = 1" in said
    assert "django_offload.worker.batch" in handler.read_text()


def test_a_stale_template_is_made_anew_and_one_of_somebodys_own_is_kept(project: Path) -> None:
    run("offload_init", "--yes")
    template = project / "infra" / "template.yaml"
    template.write_text(template_of(STACK) + "# older\n")

    said = run("offload_init", "--yes")[1]

    assert "-# older" in said
    assert template.read_text() == template_of(STACK)

    template.write_text("Resources: {}\n")

    assert "Kept: infra/template.yaml" in run("offload_init", "--yes")[1]
    assert template.read_text() == "Resources: {}\n"


def test_the_values_of_a_stage_are_the_projects(project: Path) -> None:
    run("offload_init", "--yes")
    stage = project / "infra" / "prod.json"
    stage.write_text('{"region": "eu-central-1"}')

    said = run("offload_init", "--yes")[1]

    assert "Kept" not in said
    assert said.endswith("Nothing to write: all is there.\n")
    assert stage.read_text() == '{"region": "eu-central-1"}'


def test_functions_get_the_python_that_the_project_runs_on(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "own_runtime", lambda: "python3.12")

    said = run("offload_init", "--yes")[1]

    stages = [json.loads((project / "infra" / f"{name}.json").read_text()) for name in ("dev", "prod")]
    assert {stage["parameters"]["Runtime"] for stage in stages} == {"python3.12"}
    assert json.loads((project / "zappa_settings.json").read_text())["dev"]["runtime"] == "python3.12"
    assert "Functions cannot use" not in said


def test_a_project_on_a_python_that_functions_cannot_have_is_told_so_once(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "own_runtime", lambda: "python3.15")

    said, again = (run("offload_init", "--yes")[1] for _ in range(2))

    assert (
        'Functions cannot use this project\'s python3.15, so their "Runtime" in infra/ is python3.13. Your '
        "code must run on that too, and packaging needs Python 3.13 on this machine."
    ) in said
    stage = json.loads((project / "infra" / "dev.json").read_text())
    assert stage["parameters"]["Runtime"] == "python3.13"
    assert "Functions cannot use" not in again


def test_what_a_stage_was_not_given_is_told_before_anybody_is_asked(
    project: Path, answer: Callable[[str], list[str]]
) -> None:
    stages = {"dev": {"aws_environment_variables": {"STRIPE_KEY": "sk-1"}}}
    (project / "zappa_settings.json").write_text(json.dumps(stages))
    answer("y")

    said, again = (run("offload_init")[1] for _ in range(2))

    assert "infra/dev.json leaves out variables that look like secrets: STRIPE_KEY." in said
    assert "sk-1" not in (project / "infra" / "dev.json").read_text()
    assert "STRIPE_KEY" not in again


def test_a_file_that_changed_after_it_was_shown_is_not_written(tmp_path: Path) -> None:
    change = FileChange(path=tmp_path / "a.json", before=None, after="{}\n")
    change.path.write_text("somebody's")

    with pytest.raises(FileExistsError, match=r"has changed in the meantime\. Run the command again"):
        change.write()

    assert change.path.read_text() == "somebody's"


def test_programs_read_what_changes_and_must_say_yes_themselves(project: Path) -> None:
    refused = run("offload_init", "--json")
    code, told = run_json("offload_init", "--dry-run")

    assert refused == (2, "With --json nobody is asked: add --yes or --dry-run.")
    assert code == 0
    assert told["root"] == str(project)
    assert set(told["changes"]) == WRITTEN
    assert (told["written"], told["kept"]) == (False, [])
    assert files(project) == set()


def test_a_stages_file_has_every_key_that_a_stage_may_have(project: Path) -> None:
    from django_offload.deploy.stage import KEYS

    run("offload_init", "--yes")

    for stage in ("dev", "prod"):
        assert tuple(json.loads((project / "infra" / f"{stage}.json").read_text())) == KEYS
