"""Print where a rule of ours doesn't hold, and fail: python -m tests.architecture.security"""

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.architecture.sources import LIBRARY, ROOT, SOURCE_ROOT, shown

from . import page_rules, python_rules
from .allowed import ALLOWED
from .dangerous_names import AWS_PACKAGES
from .finding import Allowed, Finding
from .names import Function, Names, places

FOLDERS = (SOURCE_ROOT, ROOT / "lambdas", ROOT / ".ci")
PAGES = {".html", ".txt", ".xml", ".js", ".svg"}
# Where boto3 is imported, inside functions: the rooms that speak to AWS.
ROOMS_OF_AWS = {"aws", "local", "deploy"}
_NOQA = re.compile(r"#\s*noqa\b(?!:)|#\s*noqa:[^#]*\bS\d+|#\s*ruff:\s*noqa")
SENTENCES = {
    "import": "imports what a computed text names",
    "attribute": "reads an attribute with a computed name",
    "execute": "runs a text as code",
    "pickle": "uses a format that carries code",
    "yaml": "reads YAML without safe_load",
    "safe": "tells Django not to escape a text",
    "markup": "puts a value into markup by hand",
    "response": "answers with a text that no template has escaped",
    "shell": "uses a shell",
    "timeout": "calls another machine without a time limit",
    "weak": "uses what others can foresee or forge",
    "compare": "compares a secret with ==, not with hmac.compare_digest()",
    "sql": "sends SQL that isn't a literal",
    "csrf": "leaves out the check of CSRF",
    "assert": "asserts a rule, which python -O removes",
    "boto3": "imports AWS's packages outside aws/, local/ and deploy/, or outside a function",
    "noqa": "silences a rule of ruff about security",
    "unquoted": "has a variable in an attribute without quotes",
    "inline": "has a script in an attribute",
    "script": "has a variable inside a script or a style",
    "address": "goes to an address, or loads one, that it doesn't have as a literal",
    "message": "sends a message to a window of any site",
}


def findings(folders: Iterable[Path] = FOLDERS) -> list[Finding]:
    """Return where a rule doesn't hold, in all Python, templates and scripts below `folders`."""
    found: list[Finding] = []
    for path in sorted(path for folder in folders for path in folder.rglob("*")):
        if "docs" in path.parts and path.suffix != ".py":
            continue
        if path.suffix == ".py":
            found += in_python(path.read_text(), shown(path))
        elif path.suffix in PAGES and path.is_file():
            found += in_page(path.read_text(), shown(path))
    return found


def in_page(text: str, path: str) -> Iterator[Finding]:
    """Yield what the rules find in a template or a script."""
    lines = text.splitlines()
    for rule, line in page_rules.found_in(text, Path(path).suffix):
        yield Finding(rule, path, "", line, lines[line - 1].strip())


def in_python(text: str, path: str) -> Iterator[Finding]:
    """Yield what the rules find in a module."""
    lines = text.splitlines()
    place_of = places(ast.parse(text, filename=path))
    names = Names(place_of)

    def finding(rule: str, node: ast.AST) -> Finding:
        line: int = getattr(node, "lineno", 1)
        return Finding(rule, path, place_of[node].function, line, lines[line - 1].strip())

    for rule, node in python_rules.found_in(place_of, names):
        yield finding(rule, node)
    for node, place in place_of.items():
        if imports_aws(node, names) and not (is_room_of_aws(path) and place.lazy):
            yield finding("boto3", node)
    functions = [node for node in place_of if isinstance(node, Function)]
    for number, line in enumerate(lines, 1):
        if _NOQA.search(line):
            around = [one for one in functions if one.lineno <= number <= (one.end_lineno or 0)]
            innermost = max(around, key=lambda one: one.lineno, default=None)
            name = ".".join(filter(None, (place_of[innermost].function, innermost.name))) if innermost else ""
            yield Finding("noqa", path, name, number, line.strip())


def imports_aws(node: ast.AST, names: Names) -> bool:
    """Return True if a node imports boto3 or botocore, by a statement or by a text."""
    match node:
        case ast.Import(names=imported):
            modules = [alias.name for alias in imported]
        case ast.ImportFrom(module=str(module), level=0):
            modules = [module]
        case (
            ast.Call(func=func, args=[ast.Constant(value=str(module)), *_])
            | ast.Call(
                func=func, keywords=[ast.keyword(arg="name", value=ast.Constant(value=str(module))), *_]
            )
        ):
            by_name = names.path(func).endswith(("import_module", "__import__", "import_string"))
            modules = [module] if by_name else []
        case _:
            return False
    return any(one.partition(".")[0] in AWS_PACKAGES for one in modules)


def is_room_of_aws(path: str) -> bool:
    """Return True for a module of a room of the library that speaks to AWS."""
    library = f"{shown(LIBRARY)}/"
    return path.startswith(library) and path.removeprefix(library).partition("/")[0] in ROOMS_OF_AWS


def judge(found: Iterable[Finding], allowed: Iterable[Allowed]) -> list[str]:
    """Return a sentence for each place that isn't allowed, and for each entry that allows too much."""
    found, allowed = list(found), list(allowed)
    left = Counter({one.place: one.times for one in allowed})
    sentences = [
        f"{path} {function or '(top)'} [{rule}]: {count} entries of the allow list name it. Write one."
        for (rule, path, function), count in Counter(one.place for one in allowed).items()
        if count > 1
    ]
    for one in found:
        if left[one.place] > 0:
            left[one.place] -= 1
        else:
            where = f"{one.path}:{one.line}" + (f" {one.function}()" if one.function else "")
            sentences.append(f"{where} {SENTENCES[one.rule]} [{one.rule}]: {one.text}")
    sentences += [
        f"{path} {function or '(top)'} [{rule}]: {count} more allowed than there are. Correct the allow list."
        for (rule, path, function), count in left.items()
        if count > 0
    ]
    return sentences


def main() -> int:
    """Return the exit code."""
    found = findings()
    sentences = judge(found, ALLOWED)
    for sentence in sentences:
        print(sentence)
    if sentences:
        print(
            "Write these otherwise. If that's impossible, add them to tests/architecture/security/allowed.py."
        )
        return 1
    print(f"{len(found)} places are allowed, each with its reason.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
