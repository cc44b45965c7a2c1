"""
Load what the settings use, in a process that has nothing but the package. Write what fails into a file.

imports.py passes this file's text to the functions' Python, so it imports nothing of this package.
"""

import importlib
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import Distribution, DistributionFinder, MetadataPathFinder
from pathlib import Path
from typing import Any

given: dict[str, Any] = {}
failures: list[dict[str, object]] = []
mentioned: list[str] = []
leading_out: list[str] = []
Context = DistributionFinder.Context
# Settings whose values Django imports at the first use.
IMPORTED = (
    *("CSRF_FAILURE_VIEW", "DATABASE_ROUTERS", "DEFAULT_EXCEPTION_REPORTER", "FILE_UPLOAD_HANDLERS"),
    *("FORM_RENDERER", "MESSAGE_STORAGE", "MIDDLEWARE", "SESSION_SERIALIZER"),
)
DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")


class Borrowed:
    """Finds some top-level modules on this machine instead of in the package."""

    @classmethod
    def find_spec(cls, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name in given["borrowed"]:
            return PathFinder.find_spec(name, given["elsewhere"])
        return None

    @classmethod
    def find_distributions(cls, context: Context) -> Iterable[Distribution]:
        """Find what importlib.metadata says about them there too."""
        if context.name not in given["distributions"]:
            return []
        return MetadataPathFinder.find_distributions(Context(name=context.name, path=given["elsewhere"]))


class BorrowedToo:
    """Finds on this machine what a borrowed module imports."""

    @classmethod
    def find_spec(cls, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        file = importer()
        # The package may be in a folder below one of this machine's.
        of_package = file.startswith(tuple(given["paths"]))
        if path is None and not of_package and file.startswith(tuple(given["elsewhere"])):
            return PathFinder.find_spec(name, given["elsewhere"])
        return None


def importer() -> str:
    """Return the file of the code that imports a module now."""
    frame = sys._getframe(2)
    while frame.f_back is not None and "importlib" in frame.f_code.co_filename:
        frame = frame.f_back
    return frame.f_code.co_filename


def is_here(top: str) -> bool:
    """Return True if the package, Python or what is borrowed has a top-level module."""
    if top in sys.builtin_module_names or top in sys.stdlib_module_names or top in given["borrowed"]:
        return True
    return PathFinder.find_spec(top, given["paths"]) is not None


def attempt(what: str, function: Callable[..., Any], *arguments: object) -> Any:
    """Return what a function returns, or None, after a note of the failure."""
    try:
        return function(*arguments)
    except (Exception, SystemExit) as exc:  # noqa: BLE001 - whatever the project raises is a finding
        failures.append({"what": what, **description(exc)})
        return None


def description(exc: BaseException) -> dict[str, object]:
    chain: list[BaseException] = []
    link: BaseException | None = exc
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or link.__context__
    tops = [one.name.partition(".")[0] for one in chain if isinstance(one, ModuleNotFoundError) and one.name]
    files = [str(one.filename) for one in chain if isinstance(one, (FileNotFoundError, NotADirectoryError))]
    if any(isinstance(one, ImportError) for one in chain):
        kind = "import"
    elif any(name.startswith(os.getcwd()) for name in files):
        kind = "file"
    else:
        kind = "other"
    cause = next((one for one in reversed(chain) if isinstance(one, (ImportError, OSError))), exc)
    return {
        "missing": [top for top in dict.fromkeys(tops) if not is_here(top)],
        "error": " ".join(f"{type(cause).__name__}: {cause}".replace(f"{os.getcwd()}/", "").split()),
        "kind": kind,
    }


def texts(value: object) -> Iterator[str]:
    """Yield the texts in a setting."""
    if isinstance(value, (str, os.PathLike)):
        text = os.fspath(value)
        yield text if isinstance(text, str) else os.fsdecode(text)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from texts(key)
            yield from texts(item)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            yield from texts(item)


def leads_to(path: str, folder: str) -> bool:
    """Return True if a text is an absolute path in `folder`, but not in the package if that is there too."""
    return os.path.isabs(path) and any(
        Path(place).is_relative_to(folder) and not Path(place).is_relative_to(os.getcwd())
        for place in (os.path.normpath(path), os.path.realpath(path))
    )


def is_module_elsewhere(path: str) -> bool:
    """Return True if this machine has the module or package that a dotted text starts with."""
    top, second = path.split(".")[:2]
    spec = PathFinder.find_spec(top, given["elsewhere"])
    if spec is None or spec.submodule_search_locations is None:
        return False
    return PathFinder.find_spec(f"{top}.{second}", list(spec.submodule_search_locations)) is not None


def load_site(settings: Any) -> None:
    """Load each part of the site that the settings name."""
    from django.core.mail import get_connection
    from django.core.servers.basehttp import get_internal_wsgi_application
    from django.db import connections
    from django.template import engines
    from django.urls import get_resolver

    attempt("URLs", lambda: get_resolver().url_patterns)
    attempt("middleware", get_internal_wsgi_application)
    for alias in connections:
        attempt(f"DATABASES['{alias}']", connections.__getitem__, alias)
    for backend in attempt("TEMPLATES", engines.all) or ():
        # Django's own imports these by the first page. Others have no such engine.
        engine = getattr(backend, "engine", None)
        attempt("TEMPLATES", getattr, engine, "template_loaders", None)
        attempt("TEMPLATES", getattr, engine, "template_context_processors", None)
    attempt("mail", get_connection)
    load_caches(settings)
    load_imported(settings)
    attempt("django_offload's web handler", importlib.import_module, "django_offload.web.handler")
    try:
        with open(given["listing"], encoding="utf-8") as file:
            modules = sorted({module for module, _ in json.load(file)["tasks"].values()})
    except FileNotFoundError:
        modules = []
    for module in modules:
        attempt(f"tasks in {module}", importlib.import_module, module)


def load_imported(settings: Any) -> None:
    from django.utils.module_loading import import_string

    paths = [(name, path) for name in IMPORTED for path in texts(getattr(settings, name))]
    paths += [("AUTH_PASSWORD_VALIDATORS", one["NAME"]) for one in settings.AUTH_PASSWORD_VALIDATORS]
    paths += [("TASKS", one["BACKEND"]) for one in getattr(settings, "TASKS", {}).values()]
    for name, path in paths:
        attempt(name, import_string, path)
    for module in getattr(settings, "SERIALIZATION_MODULES", {}).values():
        attempt("SERIALIZATION_MODULES", importlib.import_module, module)


def load_caches(settings: Any) -> None:
    from django.core.cache import caches
    from django.core.files.storage import storages
    from django.utils.module_loading import import_string

    for alias in settings.CACHES:
        # The client of Redis is imported by the first use.
        attempt(f"CACHES['{alias}']", lambda alias=alias: getattr(caches[alias], "_cache", None))
    for alias in settings.STORAGES:
        if alias == "staticfiles" and "django.contrib.staticfiles" not in settings.INSTALLED_APPS:
            continue
        attempt(f"STORAGES['{alias}']", storages.__getitem__, alias)
    with_auth = "django.contrib.auth" in settings.INSTALLED_APPS
    if with_auth or settings.is_overridden("AUTHENTICATION_BACKENDS"):
        for path in settings.AUTHENTICATION_BACKENDS:
            attempt("AUTHENTICATION_BACKENDS", import_string, path)
    attempt("SESSION_ENGINE", importlib.import_module, settings.SESSION_ENGINE)
    if with_auth:
        from django.contrib.auth.hashers import get_hasher

        def load_hasher() -> None:
            hasher = get_hasher()
            if hasher.library:
                hasher._load_library()  # type: ignore[attr-defined]

        attempt("PASSWORD_HASHERS", load_hasher)


def load_all() -> None:
    from django.conf import settings

    if attempt("settings", lambda: settings.INSTALLED_APPS) is None:
        return
    names = [name for name in dir(settings) if name.isupper()]
    values = attempt("settings", lambda: {name: getattr(settings, name) for name in names}) or {}
    leading_out.extend(
        name
        for name, value in values.items()
        if any(leads_to(text, given["project"]) for text in texts(value))
    )
    paths = [text for value in values.values() for text in texts(value) if DOTTED.fullmatch(text)]
    for app in settings.INSTALLED_APPS:
        if isinstance(app, str) and not is_here(app.partition(".")[0]):
            attempt("INSTALLED_APPS", importlib.import_module, app.partition(".")[0])
    for path in paths:
        top = path.partition(".")[0]
        if not is_here(top) and is_module_elsewhere(path):
            mentioned.append(top)
    import django

    attempt("INSTALLED_APPS", django.setup)
    if django.apps.apps.ready:
        tops = {path.partition(".")[0] for path in (*paths, *settings.INSTALLED_APPS)}
        for top in sorted(tops):
            if PathFinder.find_spec(top, given["paths"]) is not None:
                attempt(top, importlib.import_module, top)
        load_site(settings)


if __name__ == "__main__":
    given |= json.loads(sys.stdin.read())
    sys.path[:0] = given["paths"]
    sys.meta_path[:] = [Borrowed, *sys.meta_path, BorrowedToo]
    attempt("settings", load_all)
    with open(sys.argv[1], "w", encoding="utf-8") as answer:
        said = {"failures": failures, "mentioned": list(dict.fromkeys(mentioned)), "leading_out": leading_out}
        json.dump(said, answer)
