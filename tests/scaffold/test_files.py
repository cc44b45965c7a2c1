"""offload_init shows its changes, asks, and overwrites nothing that a person wrote."""

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
    """Return the folder of a project without any of these files."""
    layout = Layout(root=tmp_path, source=tmp_path, settings_module="shop.settings")
    monkeypatch.setattr(offload_init, "layout", lambda root: layout)
    return tmp_path


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """Return a function that answers the command's questions, and returns the questions."""

    def answers(text: str) -> list[str]:
        questions: list[str] = []
        monkeypatch.setattr("builtins.input", lambda question: questions.append(question) or text)
        return questions

    return answers


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_every_change_is_shown_before_the_question(project: Path, answer: Callable[[str], list[str]]) -> None:
    questions = answer("n")

    code, output = run("offload_init")

    assert code == 0
    assert questions == ["Write 10 files? [y/N] "]
    assert {line.removeprefix("+++ b/") for line in output.splitlines() if line.startswith("+++ ")} == WRITTEN
    assert '+os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")' in output
    assert "more lines. Print all with manage.py offload_template." in output
    assert "Nothing was written." in output
    assert files(project) == set()


def test_confirmed_changes_are_written_once(project: Path, answer: Callable[[str], list[str]]) -> None:
    questions = answer("y")
    output = run("offload_init")[1]

    again = run("offload_init")

    assert "Wrote 10 files. Next: manage.py check, then manage.py offload_local." in output
    assert files(project) == WRITTEN
    assert (project / "infra" / "template.yaml").read_text() == template_of(STACK)
    assert (project / "infra" / "template.yaml").read_text().startswith(GENERATED)
    assert again[0] == 0
    assert again[1].endswith("There is nothing to write.\n")
    assert len(questions) == 1


def test_a_dry_run_asks_nobody_and_writes_nothing(project: Path, answer: Callable[[str], list[str]]) -> None:
    questions = answer("y")

    code, output = run("offload_init", "--dry-run")

    assert (code, questions, files(project)) == (0, [], set())
    assert "+++ b/lambdas/worker.py" in output


def test_yes_asks_nobody(project: Path, answer: Callable[[str], list[str]]) -> None:
    questions = answer("n")

    run("offload_init", "--yes")

    assert questions == []
    assert files(project) == WRITTEN


def test_without_an_answer_nothing_is_written(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(question: str) -> str:
        raise EOFError

    monkeypatch.setattr("builtins.input", nobody)

    assert run("offload_init") == (2, "Nothing was written, because nobody confirmed it. Add --yes.")
    assert files(project) == set()


def test_a_file_that_a_person_wrote_is_kept_and_named(project: Path) -> None:
    handler = project / "lambdas" / "worker.py"
    handler.parent.mkdir()
    handler.write_text("mine = 1\n")

    code, output = run("offload_init", "--yes")

    assert code == 0
    assert "Kept: lambdas/worker.py differs from what this command would write." in output
    assert handler.read_text() == "mine = 1\n"
    assert files(project) == WRITTEN


def test_overwrite_replaces_the_file_and_shows_its_lines(project: Path) -> None:
    handler = project / "lambdas" / "worker.py"
    handler.parent.mkdir()
    handler.write_text("mine = 1\n")

    output = run("offload_init", "--yes", "--overwrite")[1]

    assert "-mine = 1" in output
    assert "django_offload.worker.batch" in handler.read_text()


def test_a_generated_template_is_replaced_and_a_persons_own_is_kept(project: Path) -> None:
    run("offload_init", "--yes")
    template = project / "infra" / "template.yaml"
    template.write_text(template_of(STACK) + "# older\n")

    output = run("offload_init", "--yes")[1]

    assert "-# older" in output
    assert template.read_text() == template_of(STACK)

    template.write_text("Resources: {}\n")

    assert "Kept: infra/template.yaml" in run("offload_init", "--yes")[1]
    assert template.read_text() == "Resources: {}\n"


def test_the_file_of_a_stage_is_never_changed(project: Path) -> None:
    run("offload_init", "--yes")
    stage = project / "infra" / "prod.json"
    stage.write_text('{"region": "eu-central-1"}')

    output = run("offload_init", "--yes")[1]

    assert "Kept" not in output
    assert output.endswith("There is nothing to write.\n")
    assert stage.read_text() == '{"region": "eu-central-1"}'


def test_functions_get_the_python_that_the_project_runs_on(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "own_runtime", lambda: "python3.12")

    output = run("offload_init", "--yes")[1]

    stages = [json.loads((project / "infra" / f"{name}.json").read_text()) for name in ("dev", "prod")]
    assert {stage["parameters"]["Runtime"] for stage in stages} == {"python3.12"}
    assert json.loads((project / "zappa_settings.json").read_text())["dev"]["runtime"] == "python3.12"
    assert "Functions cannot use" not in output


def test_an_unsupported_python_is_noted_once(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "own_runtime", lambda: "python3.15")

    output, again = (run("offload_init", "--yes")[1] for _ in range(2))

    assert (
        'Functions cannot use this project\'s python3.15, so their "Runtime" in infra/ is python3.13. Your '
        "code must run on that too, and packaging needs Python 3.13 on this machine."
    ) in output
    stage = json.loads((project / "infra" / "dev.json").read_text())
    assert stage["parameters"]["Runtime"] == "python3.13"
    assert "Functions cannot use" not in again


def test_secrets_that_are_left_out_are_noted_once(project: Path, answer: Callable[[str], list[str]]) -> None:
    stages = {"dev": {"aws_environment_variables": {"STRIPE_KEY": "sk-1"}}}
    (project / "zappa_settings.json").write_text(json.dumps(stages))
    answer("y")

    output, again = (run("offload_init")[1] for _ in range(2))

    assert "infra/dev.json leaves out variables that look like secrets: STRIPE_KEY." in output
    assert "sk-1" not in (project / "infra" / "dev.json").read_text()
    assert "STRIPE_KEY" not in again


def test_a_file_that_changed_after_it_was_shown_is_not_written(tmp_path: Path) -> None:
    change = FileChange(path=tmp_path / "a.json", before=None, after="{}\n")
    change.path.write_text("somebody's")

    with pytest.raises(FileExistsError, match=r"has changed in the meantime\. Run the command again"):
        change.write()

    assert change.path.read_text() == "somebody's"


def test_json_lists_the_changes_and_requires_yes_or_dry_run(project: Path) -> None:
    refused = run("offload_init", "--json")
    code, data = run_json("offload_init", "--dry-run")

    assert refused == (2, "With --json the command can't ask. Add --yes or --dry-run.")
    assert code == 0
    assert data["root"] == str(project)
    assert set(data["changes"]) == WRITTEN
    assert (data["written"], data["kept"]) == (False, [])
    assert files(project) == set()


def test_a_stages_file_has_every_key_that_a_stage_may_have(project: Path) -> None:
    from django_offload.deploy.stage import KEYS

    run("offload_init", "--yes")

    for stage in ("dev", "prod"):
        assert tuple(json.loads((project / "infra" / f"{stage}.json").read_text())) == KEYS
