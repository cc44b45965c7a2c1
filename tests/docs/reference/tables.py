"""Every table of the reference, and where it stands."""

import re
from pathlib import Path

from tests.docs.reference import checks, commands, environment, errors, pages, settings, stack
from tests.docs.reference.entry import Table

FOLDER = Path(__file__).resolve().parents[3] / "django_app" / "docs" / "reference"
MEANING = "meaning"

TABLES = (
    Table(
        page=FOLDER / "settings.md",
        name="options",
        headings=("key of `OPTIONS`", "default", MEANING),
        entries=settings.options,
    ),
    Table(
        page=FOLDER / "settings.md",
        name="queues",
        headings=("option of a queue", "default", "range", MEANING),
        entries=settings.queue_options,
    ),
    Table(
        page=FOLDER / "settings.md",
        name="schedules",
        headings=("key of a schedule", "default", MEANING),
        entries=settings.schedule_keys,
    ),
    Table(
        page=FOLDER / "tasks.md",
        name="task-options",
        headings=("option of `@task(…)`", "default", "also in `.using(…)`", MEANING),
        entries=settings.task_options,
    ),
    Table(
        page=FOLDER / "tasks.md",
        name="methods",
        headings=("method", "what it does"),
        entries=settings.task_methods,
    ),
    Table(
        page=FOLDER / "tasks.md",
        name="context",
        headings=("in a task", MEANING),
        entries=settings.context_members,
    ),
    Table(
        page=FOLDER / "http.md",
        name="endpoints",
        headings=("URL", "name", "answer"),
        entries=pages.endpoints,
    ),
    Table(page=FOLDER / "http.md", name="fields", headings=("field", MEANING), entries=pages.status_fields),
    Table(page=FOLDER / "http.md", name="tags", headings=("tag or argument", MEANING), entries=pages.tags),
    Table(
        page=FOLDER / "commands.md",
        name="commands",
        headings=("command", "what it does"),
        entries=commands.commands,
    ),
    Table(
        page=FOLDER / "commands.md",
        name="command-options",
        headings=("argument", MEANING),
        entries=commands.command_options,
    ),
    Table(
        page=FOLDER / "checks.md",
        name="checks",
        headings=("id", "level", "what it says", "what to do"),
        entries=checks.checks,
    ),
    Table(
        page=FOLDER / "errors.md",
        name="errors",
        headings=("class", "when"),
        entries=errors.errors,
        drawing=errors.tree,
    ),
    Table(
        page=FOLDER / "environment.md",
        name="variables",
        headings=("variable", MEANING),
        entries=environment.variables,
    ),
    Table(
        page=FOLDER / "stack.md",
        name="stage-keys",
        headings=("key of a stage's file", MEANING),
        entries=stack.stage_keys,
    ),
    Table(
        page=FOLDER / "stack.md",
        name="parameters",
        headings=("parameter", "default", MEANING),
        entries=stack.template_parameters,
    ),
    Table(
        page=FOLDER / "stack.md",
        name="resources",
        headings=("resource", "type", "what it does"),
        entries=stack.resources,
    ),
    Table(page=FOLDER / "stack.md", name="outputs", headings=("output", MEANING), entries=stack.outputs),
)


def with_tables(page: Path, text: str) -> str:
    """Return the text of a page with the tables of the present code. Raise LookupError without a place."""
    for table in TABLES:
        if table.page == page:
            begin, end = marks(table.name)
            found = re.search(f"{re.escape(begin)}\n.*?{re.escape(end)}", text, re.DOTALL)
            if found is None:
                raise LookupError(f"{page.name} has no place for its table: write {begin} and {end}.")
            text = f"{text[: found.start()]}{begin}\n\n{table.text()}\n{end}{text[found.end() :]}"
    return text


def marks(name: str) -> tuple[str, str]:
    """Return the lines between which a table stands."""
    return f"<!-- {name}: written by make reference -->", f"<!-- end of {name} -->"


def write() -> list[Path]:
    """Write the tables into their pages, and return the pages that changed."""
    changed = []
    for page in dict.fromkeys(table.page for table in TABLES):
        before = page.read_text()
        after = with_tables(page, before)
        if after != before:
            page.write_text(after)
            changed.append(page)
    return changed
