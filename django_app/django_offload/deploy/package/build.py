"""The package: the project's code, what it needs, static files and bytecode, for web and workers alike."""

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...stack.layout import Layout
from ...stack.stage_environment import NO_STAGE_ENVIRONMENT, StageEnvironment
from .. import zappa_settings
from ..errors import PackageFailed
from ..stage import include_of, runtime_of, surroundings_of
from . import archive, bytecode, dependencies, module_list, sources, static_files, task_list, web_handler
from .dependencies import excluded, find_requirements
from .static_files import Collected

# Of what is left out, so many kinds or names.
_SHOWN = 5

Announce = Callable[[str], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What a package is made of."""

    root: Path  # The project's folder; paths inside the package are as seen from here.
    stage: str
    settings_module: str
    source_root: str  # Of the project's modules, as seen from `root`; "." for itself.
    requirements: Path
    architecture: str
    python: str  # Of the runtime.
    with_boto3: bool = False
    include: Sequence[str] = ()  # Patterns of files that are taken in though their kind is not.
    surroundings: StageEnvironment = (
        NO_STAGE_ENVIRONMENT  # For the settings, while static files are collected.
    )


def recipe_of(
    layout: Layout, stage: str, *, architecture: str, requirements: Path | None, with_boto3: bool = False
) -> Recipe:
    """Return how this project is packaged. Raise PackageFailed if its requirements are nowhere."""
    return Recipe(
        root=layout.root,
        stage=stage,
        settings_module=layout.settings_module,
        source_root=layout.source.relative_to(layout.root).as_posix(),
        requirements=(requirements or find_requirements(layout.root)).resolve(),
        architecture=architecture,
        python=runtime_of(layout.root, stage).removeprefix("python"),
        with_boto3=with_boto3,
        include=include_of(layout.root, stage),
        surroundings=surroundings_of(layout.root, stage),
    )


def build(recipe: Recipe, output: Path, announce: Announce) -> archive.Archive:
    """
    Write the package to `output`.

    The same files and requirements make the same bytes. Raise PackageFailed if something is missing
    or wrong, PackageTooLarge if Lambda would refuse it.
    """
    bytecode.interpreter(recipe.python)
    settings = zappa_settings.zappa_settings(recipe.root, recipe.stage)
    with tempfile.TemporaryDirectory(prefix="offload-package-") as temporary:
        folder = Path(temporary) / "task"
        exclude = tuple(map(str, settings.get("exclude", ())))
        left = _copy_project(recipe, folder, exclude, announce)
        collected = static_files.collect(
            folder, recipe.settings_module, recipe.source_root, recipe.surroundings
        )
        announce(f"  static files: {_told(collected)}")
        _refuse_bad_syntax(folder, recipe.python)
        unlisted = task_list.write(folder, recipe.settings_module, recipe.source_root, recipe.surroundings)
        if unlisted:
            announce(f"  tasks: not listed, so each start imports every task module ({unlisted})")
        where = f"{recipe.architecture}, Python {recipe.python}"
        announce(f"  requirements: {_shown(recipe.requirements, recipe.root)} for {where}")
        _add_dependencies(recipe, folder, Path(temporary) / "needed", exclude)
        web_handler.add(folder, recipe.stage, settings)
        unused = web_handler.unused(settings, f"python{recipe.python}")
        if unused:
            announce(f"  of {zappa_settings.FILE} not used: {', '.join(unused)}")
        bytecode.compile_all(folder, recipe.python)
        module_list.write(folder, recipe.source_root)
        return replace(archive.write(folder, output), left=left)


def _copy_project(
    recipe: Recipe, folder: Path, exclude: Sequence[str], announce: Announce
) -> Mapping[str, int]:
    """Copy what belongs into the package; return what was left out, counted by kind."""
    choice = sources.project_files(recipe.root, recipe.include)
    files = [
        path
        for path in choice.taken
        if sources.fits(path, recipe.include) or not any(excluded(part, exclude) for part in path.parts)
    ]
    for path in files:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(recipe.root / path, folder / path)
    announce(f"  project: {len(files)} files")
    if choice.left:
        counted = ", ".join(f"{count} {kind}" for kind, count in list(choice.left.items())[:_SHOWN])
        more = " …" if len(choice.left) > _SHOWN else ""
        announce(f'  left out: {counted}{more} ("include" of the stage\'s file takes them in)')
    if choice.ignored:
        announce(f"  ignored by git, so left out: {_some(choice.ignored)}")
    missed = sources.untracked_modules(recipe.root)
    if missed:
        announce(f"  not in git, so left out: {_some([str(path) for path in missed])}")
    return choice.left


def _some(names: Sequence[str]) -> str:
    return f"{', '.join(names[:_SHOWN])}{' …' if names[_SHOWN:] else ''}"


def _refuse_bad_syntax(folder: Path, python: str) -> None:
    bytecode.compile_all(folder, python)
    wrong = bytecode.uncompiled(folder)
    if wrong:
        raise PackageFailed(f"Python {python} cannot compile {', '.join(wrong)}.", "Correct the syntax.")


def _add_dependencies(recipe: Recipe, folder: Path, needed: Path, exclude: Sequence[str]) -> None:
    """Install beside the project and move in; what the project has itself is not overwritten."""
    dependencies.install(
        recipe.requirements,
        needed,
        architecture=recipe.architecture,
        python=recipe.python,
        with_boto3=recipe.with_boto3,
        exclude=exclude,
    )
    for path in needed.iterdir():
        if (folder / path.name).exists():
            raise PackageFailed(
                f"The project and its requirements both have '{path.name}'.", "Rename the project's own."
            )
        path.rename(folder / path.name)


def _told(collected: Collected | None) -> str:
    if collected is None:
        return "none, for STATIC_ROOT is not set"
    count = sum(path.is_file() for path in collected.folder.rglob("*"))
    unserved = "" if collected.served else "; nothing serves them: add WhiteNoise's middleware, or a CDN"
    return f"{count} in {collected.folder.name}/{unserved}"


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
