"""The modules that functions run on this machine: those of the project or of the unpacked package."""

import os
import sys
import sysconfig
from collections.abc import Sequence
from importlib.machinery import PathFinder
from pathlib import Path

from .functions import Function
from .invoker import Outcome, failed_outcome


def source_roots() -> list[str]:
    """Return the folders that the project's modules are imported from, ending with its handlers' folders."""
    from ...stack.layout import import_roots

    roots = [os.getcwd(), *(os.path.abspath(path) for path in sys.path if os.path.isdir(path or "."))]
    standard_library = sysconfig.get_path("stdlib")
    project_roots = [
        path for path in roots if "-packages" not in path and not path.startswith(standard_library)
    ]
    return list(dict.fromkeys([*project_roots, *import_roots()]))


def handler_roots(function: Function) -> list[str]:
    """Return the folders that contain a function's own modules: its package, or else the project."""
    if function.code is None:
        return source_roots()
    roots = function.python_path.split(os.pathsep)
    return [root for root in roots if Path(root).is_relative_to(function.code)]


def import_error(handler: str, roots: Sequence[str]) -> Outcome | None:
    """
    Return Lambda's error for a handler that isn't in a module below `roots`, or None if it is.

    The setting Handler of a function names any callable. `pty.spawn` would run a command as the developer.
    """
    module = handler.rpartition(".")[0].replace("/", ".")
    if is_own_module(module, roots):
        return None
    return failed_outcome(
        "Runtime.ImportModuleError",
        f"Unable to import module '{module}': it isn't in the folders of the project or of the function's "
        "package, and on this machine functions run no other modules. Correct the function's Handler, or add "
        "the module to the project.",
    )


def is_own_module(module: str, roots: Sequence[str]) -> bool:
    """
    Return True if Python imports a module from one of `roots`, with its own import path after them.

    Nothing is imported here. A root may contain a virtual environment, so the file must be where the module's
    name puts it below the root. Names of the standard library are never the project's, because Python may
    have imported them already.
    """
    parts = module.split(".")
    if parts[0] in sys.stdlib_module_names or any(part.endswith("-packages") for part in parts):
        return False
    path, origin = [*roots, *sys.path], None
    for part in parts:
        spec = PathFinder.find_spec(part, path) if part else None
        if spec is None:
            return False
        path, origin = list(spec.submodule_search_locations or ()), spec.origin
    if origin is None:
        return False
    # The folder of the file is the module's own if it is a package.
    own_folders = [Path(os.path.abspath(root), *parts) for root in roots]
    return any(Path(origin).parent in (folder, folder.parent) for folder in own_folders)
