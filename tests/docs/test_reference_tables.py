"""The reference's tables are made from the code: all that there is, each with its sentence."""

import ast
import dataclasses
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.core.management import get_commands

from django_offload import urls
from django_offload.conf import Options
from django_offload.conf.queue_options import QUEUE_BOUNDS, QUEUE_KEYS
from django_offload.conf.validation import OPTION_KEYS
from django_offload.definition.offload_task import USING
from django_offload.deploy.stage import KEYS
from django_offload.templatetags import offload
from tests.contract import tasks as contract
from tests.docs.reference import checks, commands, environment, errors, pages, settings, stack
from tests.docs.reference.entry import Entry, Table, prose
from tests.docs.reference.sentences import SENTENCE, comment_at, modules, tree_of
from tests.docs.reference.tables import FOLDER, TABLES, with_tables
from tests.integration.setup import record_of
from tests.unit import tasks


def names(entries: list[Entry]) -> list[str]:
    return [entry.name for entry in entries]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_entry_has_its_sentence(table: Table) -> None:
    entries = table.entries()

    assert entries
    for entry in entries:
        assert SENTENCE.match(entry.sentence), (
            f"{entry.name} needs a sentence, from its capital to its full stop, in {entry.place}: "
            f"{entry.sentence!r}"
        )


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_no_entry_is_there_twice(table: Table) -> None:
    listed = names(list(table.entries()))

    assert sorted(set(listed)) == sorted(listed)


@pytest.mark.parametrize("page", sorted({table.page for table in TABLES}), ids=lambda page: page.stem)
def test_the_page_has_the_tables_of_the_present_code(page) -> None:
    text = page.read_text()

    assert with_tables(page, text) == text, "Write them: make reference"


def test_every_option_is_there() -> None:
    fields = {field.name for field in dataclasses.fields(Options)}

    assert names(settings.options()) == list(OPTION_KEYS)
    assert fields - set(OPTION_KEYS) == {"alias", "transport"}, "What parse() itself sets."
    assert names(settings.queue_options()) == list(QUEUE_KEYS) == [*QUEUE_BOUNDS, "index"]


def test_every_option_of_using_is_one_of_a_task() -> None:
    usable = {entry.name for entry in settings.task_options() if entry.facts[-1] == "yes"}

    assert usable == set(USING)
    assert {"name", "aliases", "sensitive"} <= set(names(settings.task_options())) - usable


def test_the_context_has_what_tasks_use_and_nothing_else() -> None:
    listed = {name.removeprefix("context.").partition("(")[0] for name in names(settings.context_members())}

    assert {"progress", "step", "atomic", "cancelled", "remaining", "idempotency_key"} <= listed
    assert listed.isdisjoint(settings.OWN_OF_THE_CONTEXT)


def test_every_command_of_the_app_is_there() -> None:
    assert set(commands.COMMANDS) == {name for name, app in get_commands().items() if app == "django_offload"}


@pytest.mark.parametrize("name", commands.COMMANDS)
def test_every_option_in_the_help_of_a_command_is_there(name: str) -> None:
    listed = " ".join(entry.name for entry in commands.command_options() if entry.name.startswith(f"{name} "))
    of_django = {"--version", "--settings", "--pythonpath", "--traceback", "--no-color", "--force-color"}
    options = {
        word
        for _, action in commands.arguments(name, commands.parser_of(name))
        for word in action.option_strings
        if word.startswith("--")
    }

    # Django's --skip-checks is one of ours where it means something else.
    missing = {word for word in options - of_django if word not in listed}
    assert missing <= {"--help", "--json", "--verbosity", "--skip-checks"}
    assert ("--skip-checks" in listed) == (name in {"offload_deploy", "offload_package"})


def test_every_id_of_a_check_is_there_and_a_call_makes_it() -> None:
    listed = checks.checks()

    assert {entry.name.rpartition(".")[2] for entry in listed} == checks.ids() > {"E001", "W020", "E036"}
    assert [entry.name for entry in listed if entry.place == "no call makes it"] == []
    assert all(SENTENCE.match(entry.advice) for entry in listed)


def class_names() -> Iterator[str]:
    """Yield the name of each class of the library that ends as a branch of the tree of errors."""
    known = {"OffloadError"}
    bases: dict[str, set[str]] = defaultdict(set)
    for path in modules():
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ClassDef):
                bases[node.name] |= {ast.unparse(base).rpartition(".")[2] for base in node.bases}
    while found := {name for name, of in bases.items() if of & known} - known:
        known |= found
    yield from known


def test_every_error_is_there_and_in_the_drawing() -> None:
    listed = names(errors.errors())

    assert set(listed) == set(class_names())
    assert [line.lstrip("│├└─ ").partition(" ")[0] for line in errors.tree().splitlines()] == listed
    page = (FOLDER / "errors.md").read_text()
    assert {kind.__module__ for _, kind in errors.classes()} == set(
        re.findall(r"`(django_offload[\w.]*s)`", page)
    )


def test_every_url_and_tag_is_there() -> None:
    assert len(pages.endpoints()) == len(urls.urlpatterns)
    assert [name for name in names(pages.tags()) if name.startswith("{%")] == [
        f"{{% {name} result %}}" for name in offload.register.tags
    ]
    assert {"label", "then", "link", "htmx", "refresh"} <= {
        name.partition("=")[0] for name in names(pages.tags())
    }


def test_a_status_has_the_fields_that_are_there(world) -> None:
    failed = contract.raises_value_error.enqueue()
    done = tasks.double.using(metadata={"a": 1}).enqueue(1)
    world.aws.run()

    shown = set()
    for result in (failed, done):
        record = replace(record_of(result.id), duplicate_of=failed.id)
        status = pages.status.status_of(record, {}, traceback=True)
        shown |= {*status, *(f"error.{key}" for key in status.get("error", ()))}

    world.back()
    assert shown == set(names(pages.status_fields()))


def test_every_variable_that_the_code_reads_is_there_and_no_other() -> None:
    own = {entry.name for entry in environment.own_variables()}
    read = environment.read_by_the_code()

    assert {"OFFLOAD_STACK", "OFFLOAD_STAGE", "OFFLOAD_SECRETS"} <= own
    assert read - own - environment.OTHERS.keys() == set()
    assert environment.OTHERS.keys() - read == set()


def test_every_key_of_a_stages_file_is_there() -> None:
    assert names(stack.stage_keys()) == list(KEYS)


def test_every_part_of_the_template_is_there() -> None:
    template = stack.document()

    assert names(stack.resources()) == list(template["Resources"])
    assert names(stack.template_parameters()) == list(template["Parameters"])
    kinds = {resource["Type"] for resource in template["Resources"].values()}
    # What only some stacks have.
    assert {"AWS::Scheduler::Schedule", "AWS::Lambda::EventInvokeConfig", "AWS::SNS::Topic"} < kinds


def test_a_comment_is_read_above_and_beside(tmp_path) -> None:
    module = tmp_path / "module.py"
    module.write_text("# Of the first\n# line.\nfirst = 1\nsecond = 2  # Of the second.\nthird = 3\n")

    assert [comment_at(module, line) for line in (3, 4, 5)] == ["Of the first line.", "Of the second.", ""]


@pytest.mark.parametrize("text", ["", "a fragment", "Too short.", "Without an end"])
def test_what_is_no_sentence_is_found(text: str) -> None:
    assert not SENTENCE.fullmatch(text)


def test_text_of_the_code_stays_text_on_the_page() -> None:
    assert prose("Give <name> to `<stack>-x` **here**") == r"Give \<name> to `<stack>-x` \*\*here\*\*"
