"""offload_template prints and writes the template, and finds a stale one."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from django_offload.conf import Options, QueueOptions
from django_offload.management.commands import offload_template
from django_offload.stack import build_template


def options(stack: str) -> Options:
    return Options(alias=stack, stack=stack, queues={"default": QueueOptions()}, table=f"{stack}-tasks")


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Options]]:
    """Return the configured stacks, which a test may change."""
    stacks = {"shop-dev": [options("shop-dev")]}

    def template_of(stack: str, **arguments: Any) -> str:
        return build_template(stacks[stack], **arguments)

    monkeypatch.setattr(offload_template, "stacks", lambda: stacks)
    monkeypatch.setattr(offload_template, "template_of", template_of)
    return stacks


def run(*args: str) -> str:
    out = StringIO()
    call_command("offload_template", *args, stdout=out)
    return out.getvalue()


@pytest.mark.usefixtures("configured")
def test_it_prints_the_template_and_nothing_else() -> None:
    assert run() == build_template([options("shop-dev")])


@pytest.mark.usefixtures("configured")
def test_json_is_the_template_as_json() -> None:
    assert json.loads(run("--json")) == json.loads(build_template([options("shop-dev")], as_json=True))


@pytest.mark.usefixtures("configured")
def test_what_was_written_is_fresh(tmp_path: Path) -> None:
    file = tmp_path / "template.yaml"

    assert run("--output", str(file)) == ""
    assert run("--check", str(file)) == ""
    assert file.read_text() == build_template([options("shop-dev")])


@pytest.mark.usefixtures("configured")
def test_a_stale_file_is_found_wrong_with_the_command_that_mends_it(tmp_path: Path) -> None:
    file = tmp_path / "template.yaml"
    file.write_text(build_template([options("shop-dev")]) + "\n")

    with pytest.raises(CommandError) as raised:
        run("--check", str(file))

    assert raised.value.returncode == 1
    assert str(raised.value) == (
        f"{file} is stale. Run manage.py offload_template --output {file} and commit it."
    )


@pytest.mark.usefixtures("configured")
def test_a_missing_file_is_named_with_the_option_that_writes_it(tmp_path: Path) -> None:
    with pytest.raises(
        CommandError, match=r"can't be read .*\. Write it with manage\.py offload_template --output"
    ) as raised:
        run("--check", str(tmp_path / "none.yaml"))

    assert raised.value.returncode == 2


@pytest.mark.usefixtures("configured")
def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="can't be written") as raised:
        run("--output", str(tmp_path / "none" / "template.yaml"))

    assert raised.value.returncode == 2


def test_of_several_stacks_one_must_be_chosen(configured: dict[str, list[Options]]) -> None:
    configured["shop-live"] = [options("shop-live")]

    with pytest.raises(CommandError, match="Add --stack with one of shop-dev, shop-live") as raised:
        run()

    assert raised.value.returncode == 2
    assert "shop-live-tasks" in run("--stack", "shop-live")


@pytest.mark.usefixtures("configured")
def test_an_unknown_stack_is_refused_with_the_known_ones() -> None:
    with pytest.raises(CommandError, match=r"names no stack 'x'\. Use shop-dev"):
        run("--stack", "x")


def test_without_a_backend_of_ours_the_command_says_which_to_add(
    configured: dict[str, list[Options]],
) -> None:
    configured.clear()

    with pytest.raises(CommandError, match=r"django_offload\.backends\.SQSBackend"):
        run()
