"""Build the package: the project's code, its requirements, static files and bytecode, for web and workers."""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...stack.layout import Layout
from ...stack.stage_environment import NO_STAGE_ENVIRONMENT, StageEnvironment
from .. import Announce, zappa_settings
from ..environment import FunctionFacts
from ..errors import PackageFailed
from ..stage import include_of, region_of, runtime_of, stage_environment_of
from ..web_features import has_zappas_handler
from . import archive, bytecode, dependencies, module_list, sources, static_files, task_list, web_handler
from .dependencies import find_requirements

# How many kinds or names of the files that are left out are shown.
_MOST_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything that a package is made from."""

    root: Path  # The project's folder. Paths inside the package are relative to it.
    stage: str
    settings_module: str
    source_root: str  # The folder that modules are imported from, relative to `root`; "." for `root` itself.
    requirements: Path
    architecture: str
    python: str  # The version of the runtime, such as 3.13.
    region: str = "us-east-1"
    with_boto3: bool = False
    include: Sequence[str] = ()  # Patterns of files to package although other rules leave them out.
    stage_environment: StageEnvironment = (
        NO_STAGE_ENVIRONMENT  # For the settings, while static files are collected.
    )


def recipe_of(
    layout: Layout, stage: str, *, architecture: str, requirements: Path | None, with_boto3: bool = False
) -> Recipe:
    """Return the recipe of this project's package. Raise PackageFailed if it has no requirements file."""
    return Recipe(
        root=layout.root,
        stage=stage,
        settings_module=layout.settings_module,
        source_root=layout.source.relative_to(layout.root).as_posix(),
        requirements=(requirements or find_requirements(layout.root)).resolve(),
        architecture=architecture,
        python=runtime_of(layout.root, stage).removeprefix("python"),
        with_boto3=with_boto3,
        region=region_of(layout.root, stage),
        include=include_of(layout.root, stage),
        stage_environment=stage_environment_of(layout.root, stage),
    )


def build(recipe: Recipe, output: Path, announce: Announce) -> archive.Archive:
    """
    Write the package to `output`.

    The same files and requirements make the same bytes. Raise PackageFailed if something is missing or
    wrong, PackageTooLarge if Lambda would reject the package.
    """
    bytecode.interpreter(recipe.python)
    settings = zappa_settings.zappa_settings(recipe.root, recipe.stage)
    exclude = tuple(map(str, settings.get("exclude", ())))
    with tempfile.TemporaryDirectory(prefix="offload-package-") as temporary:
        folder = Path(temporary) / "task"
        left_out = copy_project(recipe, folder, exclude, announce)
        place = (folder, recipe.settings_module, recipe.source_root, recipe.stage_environment)
        function = FunctionFacts(
            name=zappa_settings.web_function(settings, recipe.stage),
            region=recipe.region,
            runtime=f"python{recipe.python}",
        )
        collected = static_files.collect(*place, function)
        summary = "none, because STATIC_ROOT is not set" if collected is None else collected.summary()
        announce(f"  static files: {summary}")
        bytecode.compile_all(folder, recipe.python)
        uncompiled = bytecode.uncompiled(folder)
        if uncompiled:
            raise PackageFailed(
                f"Python {recipe.python} cannot compile {', '.join(uncompiled)}.", "Correct the syntax."
            )
        error = task_list.write(*place, function)
        if error:
            announce(f"  tasks: not listed, so each start imports every task module ({error})")
        path = recipe.requirements
        shown = path.relative_to(recipe.root).as_posix() if path.is_relative_to(recipe.root) else str(path)
        announce(f"  requirements: {shown} for {recipe.architecture}, Python {recipe.python}")
        with_zappa = has_zappas_handler(settings)
        add_dependencies(recipe, folder, Path(temporary) / "needed", exclude, with_zappa=with_zappa)
        web_handler.add(folder, recipe.stage, settings)
        unused = web_handler.unused(settings, f"python{recipe.python}")
        if unused:
            announce(f"  not used from {zappa_settings.FILE}: {', '.join(unused)}")
        bytecode.compile_all(folder, recipe.python)
        module_list.write(folder, recipe.source_root)
        return replace(archive.write(folder, output), left_out=left_out)


def copy_project(
    recipe: Recipe, folder: Path, exclude: Sequence[str], announce: Announce
) -> Mapping[str, int]:
    """Copy the project's files into `folder`. Return the number of files that were left out, by kind."""
    selection = sources.select_files(recipe.root, recipe.include, exclude)
    for path in selection.packaged:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(recipe.root / path, folder / path)
    announce(f"  project: {len(selection.packaged)} files")
    if not selection.in_repository:
        announce("  not in a git repository, so files that git would ignore are packaged too")
    if selection.left_out:
        counts = [f"{count} {kind}" for kind, count in selection.left_out.items()]
        announce(f'  left out: {first_few(counts)} ("include" in the stage\'s file packages them)')
    if selection.ignored:
        announce(f"  ignored by git, so left out: {first_few(selection.ignored)}")
    if selection.untracked:
        announce(f"  not in git, so left out: {first_few(selection.untracked)}")
    if selection.missing:
        announce(f"  in git, but not in the folder: {first_few(selection.missing)}")
    return selection.left_out


def first_few(names: Sequence[str]) -> str:
    return f"{', '.join(names[:_MOST_SHOWN])}{' …' if names[_MOST_SHOWN:] else ''}"


def add_dependencies(
    recipe: Recipe, folder: Path, installed: Path, exclude: Sequence[str], *, with_zappa: bool
) -> None:
    """
    Install the requirements into `installed`, then move them into `folder`.

    Raise PackageFailed if the project already has a module or package of the same name.
    """
    dependencies.install(
        recipe.requirements,
        installed,
        architecture=recipe.architecture,
        python=recipe.python,
        with_boto3=recipe.with_boto3,
        with_zappa=with_zappa,
        exclude=exclude,
    )
    for path in installed.iterdir():
        if (folder / path.name).exists():
            raise PackageFailed(
                f"The project and its requirements both have '{path.name}'.", "Rename the project's own."
            )
        path.rename(folder / path.name)
