"""The sizes the code keeps, so that it stays readable a file and a function at a time."""

from tests.architecture.sources import ROOT, SOURCE_ROOT, Function, functions, length, modules, shown, tracked

# A module is a chapter, a function is one thought: what is longer holds two.
LONGEST_MODULE = 400
LONGEST_FUNCTION = 60
LONGEST_DOOR = 25
# Pages that are read from top to bottom.
LONGEST_PAGES = {"README.md": 150, "ARCHITECTURE.md": 400}
MOST_WORDS_OF_THE_README = 800
LONGEST_PROSE_LINE = 120
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "core", "manager", "misc"}

EVERYTHING = modules(SOURCE_ROOT, ROOT / "lambdas", ROOT / "tests", ROOT / ".ci")


def lines(function: Function) -> int:
    """Return how many lines a function has, from its name to its end."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def unannotated(function: Function) -> list[str]:
    """Return what of a signature has no type: names of arguments, and "return"."""
    found = function.args
    named = [*found.posonlyargs, *found.args, *found.kwonlyargs, *filter(None, (found.vararg, found.kwarg))]
    missing = [one.arg for one in named if one.annotation is None and one.arg not in ("self", "cls")]
    return missing if function.returns else [*missing, "return"]


def test_no_module_is_longer_than_a_chapter():
    too_long = {shown(path): length(path) for path in EVERYTHING if length(path) > LONGEST_MODULE}

    assert not too_long, f"Split these modules, or move parts to a better place: {too_long}"


def test_pages_read_as_a_whole_stay_short():
    too_long = {
        page: count
        for page, most in LONGEST_PAGES.items()
        if (count := len((ROOT / page).read_text().splitlines())) > most
    }

    assert not too_long, f"Replace rather than add; details belong into django_app/docs/: {too_long}"


def test_the_readme_is_read_in_a_few_minutes():
    assert len((ROOT / "README.md").read_text().split()) <= MOST_WORDS_OF_THE_README


def test_no_line_of_prose_on_a_page_is_longer_than_120_characters():
    too_long = [
        f"{shown(page)}:{number}"
        for page in tracked()
        if page.suffix == ".md" and "tests" not in page.relative_to(ROOT).parts
        for number, line in enumerate(page.read_text().splitlines(), 1)
        # A row of a table and a line with a link cannot be wrapped everywhere.
        if len(line) > LONGEST_PROSE_LINE and not line.lstrip().startswith("|") and "](" not in line
    ]

    assert not too_long, f"Wrap these lines: {', '.join(too_long)}"


def test_no_function_is_longer_than_a_thought():
    too_long = [
        f"{shown(path)}:{one.lineno} {one.name} {lines(one)}"
        for path in EVERYTHING
        for one in functions(path)
        if lines(one) > LONGEST_FUNCTION
    ]

    assert not too_long, "Split these functions: " + ", ".join(too_long)


def test_no_module_has_a_name_that_says_nothing():
    found = [shown(path) for path in EVERYTHING if {path.stem, path.parent.name} & NAMES_THAT_SAY_NOTHING]

    assert not found, f"Name these after what they hold: {found}"


def test_every_signature_is_typed():
    untyped = [
        f"{shown(path)}:{one.lineno} {one.name} lacks {', '.join(missing)}"
        for path in modules(SOURCE_ROOT, ROOT / "lambdas")
        for one in functions(path)
        if (missing := unannotated(one))
    ]

    assert not untyped, "Give these their types: " + "; ".join(untyped)


def test_what_aws_invokes_is_doors_of_at_most_25_lines():
    doors = {path.stem: length(path) for path in modules(ROOT / "lambdas") if path.stem != "__init__"}

    assert set(doors) == {"worker", "dead_letter", "sweeper", "migrate", "web"}
    assert max(doors.values()) <= LONGEST_DOOR, f"No logic here, move it into the library: {doors}"
