"""
Credentials in a project's files: in those of stages, Zappa's settings, what a package includes, the settings.

A file is in version control, on every machine with a clone, and often in the package. The value of a variable
is in the template and the console, too. Only a reference leaves the value where it is stored.
"""

import ast
import sys
import warnings
from collections.abc import Iterator, Mapping
from importlib.util import resolve_name
from pathlib import Path
from typing import Any

from ..stack.layout import Layout
from ..stack.stage_environment import parse_secret_reference
from .likely_credentials import credentials_in, is_credential, kind_of, places_in
from .package.sources import is_included, is_secret, walk_files
from .stage import as_texts, load_if_exists
from .zappa_settings import FILE, read_stages, slug

# Values that aren't variables, and may contain whatever a person writes.
_TEXTS = frozenset({"lambda_description", "tags", "exclude", "exclude_glob"})
# A project's settings are in a few modules.
_MOST_MODULES = 50
_LARGEST_FILE = 1_000_000


def credential_warnings(root: Path, stage: str, *, web: bool) -> Iterator[tuple[str, str]]:
    """Yield the problems of a stage that is deployed, with those of its web side and what that extends."""
    yield from stage_problems(root, stage)
    stages = read_stages(root) if web else {}
    name: Any = stage
    for _ in range(len(stages)):
        yield from zappa_problems(stages, name)
        name = stages.get(name, {}).get("extends")


def stage_problems(root: Path, stage: str) -> Iterator[tuple[str, str]]:
    """
    Yield the problem and its remedy if a stage's file contains credentials, or packages a file with some.

    No text has a value. Raise BadStage if the file is invalid.
    """
    content = load_if_exists(root, stage)
    places = places_in({name: content.get(name, {}) for name in ("environment", "parameters")})
    places += [
        f"secrets['{name}']"
        for name, text in as_texts(content.get("secrets", {})).items()
        if not is_reference(text)
    ]
    if places:
        yield (
            (f"infra/{stage}.json contains what looks like a credential: {', '.join(places)}."),
            remedy(places, stage),
        )
    include = tuple(map(str, content.get("include", ())))
    for path in walk_files(root) if include else ():
        if is_included(path, include) and is_secret(path) and (names := credentials_of(root / path)):
            yield (
                f"'include' in infra/{stage}.json packages {path}, which contains what looks like a "
                f"credential: {', '.join(names)}.",
                f"Remove the file from 'include', and name the values in \"secrets\" of infra/{stage}.json.",
            )


def zappa_problems(stages: Mapping[str, Mapping[str, Any]], stage: str) -> Iterator[tuple[str, str]]:
    """Yield the problem and its remedy if a stage of Zappa's settings contains credentials of its own."""
    own = {name: value for name, value in stages.get(stage, {}).items() if name not in _TEXTS}
    places = places_in(own)
    if places:
        yield (
            f"{FILE} contains what looks like a credential in the stage '{stage}': {', '.join(places)}.",
            remedy(places, stage),
        )


def remedy(places: list[str], stage: str) -> str:
    name = places[0].rpartition("['")[2].removesuffix("']")
    return (
        "Store the value in Parameter Store or Secrets Manager, and write where it is into the stage's file: "
        f'"secrets": {{"{name}": "ssm:/…/{stage}/{slug(name)}"}}. Then change the value, because whoever has '
        "the file knows it."
    )


def is_reference(text: str) -> bool:
    try:
        parse_secret_reference(text)
    except ValueError:
        return False
    return True


def credentials_of(file: Path) -> list[str]:
    """Return the names of credentials in a file such as .env, or the kind that another file has in it."""
    try:
        if file.stat().st_size > _LARGEST_FILE:
            return []
        text = file.read_text("utf-8", "replace")
    except OSError:
        return []
    lines = [line for line in map(str.strip, text.splitlines()) if not line.startswith("#")]
    pairs = [line.removeprefix("export ").partition("=") for line in lines]
    names = [
        name.strip()
        for name, sign, value in pairs
        if sign and is_credential(name.strip(), value.strip().strip("\"'"))
    ]
    kind = "" if names else kind_of("\n".join(lines))
    return names or ([kind] if kind else [])


def settings_places(layout: Layout, settings: Any) -> list[str]:
    """
    Return the settings whose values are credentials that are written in the settings' own code.

    Only a value that counts is reported: the default of a variable that is set is none.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Django warns of old settings, and nobody here uses them.
        own = [name for name in dir(settings) if name.isupper() and settings.is_overridden(name)]
        found = list(credentials_in({name: getattr(settings, name) for name in own}))
    if not found:
        return []
    texts = texts_in_code(layout)
    return list(dict.fromkeys(place for place, value in found if value in texts))


def texts_in_code(layout: Layout) -> set[str]:
    """Return every text in the code of the settings module, and of the project's modules that it imports."""
    texts: set[str] = set()
    waiting, seen = [layout.settings_module], set[str]()
    while waiting and len(seen) < _MOST_MODULES:
        module = waiting.pop()
        path = None if module in seen else code_of(module, layout.root)
        seen.add(module)
        if path is None:
            continue
        try:
            tree = ast.parse(path.read_bytes())
        except (OSError, SyntaxError, ValueError):
            continue
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.add(node.value)
            else:
                waiting += imported_by(node, package)
    return texts


def code_of(module: str, root: Path) -> Path | None:
    """Return the file of a module that is loaded and belongs to the project, or None."""
    file = getattr(sys.modules.get(module), "__file__", None)
    path = Path(file).resolve() if file else None
    if path is None or not path.is_relative_to(root) or "site-packages" in path.parts:
        return None
    return path if path.suffix == ".py" else None


def imported_by(node: ast.AST, package: str) -> list[str]:
    """Return the modules that a statement may import, by its text."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    try:
        base = resolve_name("." * node.level + (node.module or ""), package) if node.level else node.module
    except ImportError:
        return []
    return [] if base is None else [base, *(f"{base}.{alias.name}" for alias in node.names)]
