"""Build the package: the project's code, its requirements, static files and bytecode, for web and workers."""

import re
import shutil
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...stack.layout import Layout
from ...stack.stage_environment import NO_STAGE_ENVIRONMENT, StageEnvironment
from .. import Announce, zappa_settings
from ..environment import FunctionFacts, package_environment
from ..errors import PackageFailed
from ..stage import include_of, region_of, runtime_of, stage_environment_of
from ..web_features import has_zappas_handler
from . import (
    archive,
    bytecode,
    dependencies,
    imports,
    module_list,
    pruning,
    sources,
    static_files,
    task_list,
    web_handler,
)
from .dependencies import find_requirements
from .likely_secrets import likely_secrets

# How many kinds or names of the files that are left out are shown.
_MOST_SHOWN = 5
# https://packaging.python.org/guides/packaging-namespace-packages/#legacy-namespace-packages
_NAMESPACE = re.compile(r"extend_path\(|declare_namespace\(")


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
    check_imports: bool = True  # From the finished package alone.
    include: Sequence[str] = ()  # Patterns of files to package although other rules leave them out.
    stage_environment: StageEnvironment = (
        NO_STAGE_ENVIRONMENT  # For the settings, while static files are collected.
    )

    @property
    def shown(self) -> str:
        """The requirements file, as the user knows it."""
        path = self.requirements
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path)


def recipe_of(
    layout: Layout,
    stage: str,
    *,
    architecture: str,
    requirements: Path | None,
    with_boto3: bool = False,
    check_imports: bool = True,
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
        check_imports=check_imports,
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
    exclude = zappa_settings.patterns(settings, "exclude")
    exclude_glob = zappa_settings.patterns(settings, "exclude_glob")
    with tempfile.TemporaryDirectory(prefix="offload-package-") as temporary:
        folder = Path(temporary) / "task"
        left_out = copy_project(recipe, folder, exclude, announce)
        pruning.remove_matching(folder, exclude_glob)
        own = set(folder.rglob("*"))
        own_names = [path.relative_to(folder).as_posix() for path in own]
        place = (folder, recipe.settings_module, recipe.source_root, recipe.stage_environment)
        function = FunctionFacts(
            name=zappa_settings.web_function(settings, recipe.stage),
            region=recipe.region,
            runtime=f"python{recipe.python}",
        )
        collected = static_files.collect(*place, function, root=recipe.root, packaged=own_names)
        announce_static_files(collected, recipe.root, announce)
        bytecode.compile_all(folder, recipe.python)
        uncompiled = bytecode.uncompiled(folder)
        if uncompiled:
            raise PackageFailed(
                f"Python {recipe.python} cannot compile {', '.join(uncompiled)}.", "Correct the syntax."
            )
        error = task_list.write(*place, function)
        remove_written(folder, own, collected)
        if error:
            announce(f"  tasks: not listed, so each start imports every task module ({error})")
        announce(f"  requirements: {recipe.shown} for {recipe.architecture}, Python {recipe.python}")
        store = Path(temporary) / "unused"
        tools = add_dependencies(
            recipe,
            folder,
            Path(temporary) / "needed",
            store,
            # offload_init writes the others for the project's own files.
            [pattern for pattern in exclude if pattern not in zappa_settings.EXCLUDE],
            with_zappa=has_zappas_handler(settings),
            announce=announce,
        )
        if tools:
            announce(f"  not packaged, because they only deploy the site: {', '.join(tools)}")
        pruning.remove_matching(folder, exclude_glob)
        web_handler.add(folder, recipe.stage, settings)
        unused = web_handler.unused(settings, f"python{recipe.python}")
        if unused:
            announce(f"  not used from {zappa_settings.FILE}: {', '.join(unused)}")
        bytecode.compile_all(folder, recipe.python)
        module_list.write(folder, recipe.source_root)
        if recipe.check_imports:
            check_package(recipe, folder, store, package_environment(*place, function), announce)
        pruning.write_records(folder)
        return replace(archive.write(folder, output), left_out=left_out)


def announce_static_files(collected: static_files.Collected | None, root: Path, announce: Announce) -> None:
    """Announce what was collected, and what wasn't although the settings lead to it."""
    if collected is None:
        announce("  static files: none, because STATIC_ROOT is not set")
        return
    announce(f"  static files: {collected.summary()}")
    if collected.left_out:
        announce(f"  not in git, so not collected: {first_few(collected.left_out)}")
    lacking = [name for name in collected.lacking if (root / name).is_dir()]
    if lacking:
        announce(f"  named by STATICFILES_DIRS, but not packaged: {first_few(lacking)}")


def remove_written(folder: Path, own: Collection[Path], collected: static_files.Collected | None) -> None:
    """
    Delete the logs and databases that settings wrote into `folder` while they were loaded.

    `own` is what was there before. Static files, and other files that collecting them writes, stay.
    """
    for path in set(folder.rglob("*")).difference(own):
        is_static = collected is not None and path.resolve().is_relative_to(collected.folder.resolve())
        if path.suffix != ".pyc" and path.name.lower().endswith(sources.ENDINGS_LEFT_OUT) and not is_static:
            path.unlink()


def check_package(
    recipe: Recipe, folder: Path, store: Path, environ: Mapping[str, str], announce: Announce
) -> None:
    """
    Raise PackageFailed if the package lacks something that the settings use.

    If something can't be loaded, take back what pruning moved into `store`, and try again.
    """

    def check() -> imports.Findings:
        before = set(folder.rglob("*"))
        findings = imports.check_imports(
            folder,
            recipe.source_root,
            environ,
            root=recipe.root,
            python=recipe.python,
            architecture=recipe.architecture,
        )
        for path in sorted(set(folder.rglob("*")) - before, reverse=True):
            pruning.delete(path)  # Settings may write files, such as logs.
        return findings

    findings = check()
    if findings.broken and not findings.lacking and pruning.restore(store, folder):
        bytecode.compile_all(folder, recipe.python)
        module_list.write(folder, recipe.source_root)
        findings = check()
    imports.raise_if_lacking(findings, recipe.shown, recipe.root / recipe.source_root)
    if findings.unchecked:
        shown = [f"{failure.what} ({failure.error})" for failure in findings.unchecked]
        announce(f"  not checked, because it fails on this machine: {first_few(shown)}")
    if findings.leading_out:
        announce(
            f"  settings that lead to {recipe.root}, which functions don't have: "
            f"{first_few(findings.leading_out)}"
        )
    if findings.mentioned:
        announce(f"  named by the settings, but not packaged: {first_few(findings.mentioned)}")


def copy_project(
    recipe: Recipe, folder: Path, exclude: Sequence[str], announce: Announce
) -> Mapping[str, int]:
    """Copy the project's files into `folder`. Return the number of files that were left out, by kind."""
    selection = sources.select_files(recipe.root, recipe.include, exclude)
    for path in selection.packaged:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(recipe.root / path, folder / path)
    announce(f"  project: {len(selection.packaged)} files")
    secrets = list(likely_secrets(recipe.root, selection.packaged))
    if secrets:
        announce(
            f"  packaged, but looks like a secret: {first_few(secrets)}. "
            f'Name secrets in infra/{recipe.stage}.json, and the file in "exclude" of {zappa_settings.FILE}.'
        )
    if not selection.in_repository:
        announce("  not in a git repository, so files that git would ignore are packaged too")
    if selection.left_out:
        counts = [f"{count} {kind}" for kind, count in selection.left_out.items()]
        announce(f'  left out: {first_few(counts)} ("include" in the stage\'s file packages them)')
    if selection.left_out_at_top:
        announce(f"  left out beside the code: {first_few(selection.left_out_at_top)}")
    if selection.ignored:
        announce(f"  ignored by git, so left out: {first_few(selection.ignored)}")
    if selection.untracked:
        announce(f"  not in git, so left out: {first_few(selection.untracked)}")
    if selection.missing:
        announce(f"  in git, but not in the folder: {first_few(selection.missing)}")
    if selection.ignored_but_packaged:
        announce(f"  packaged, although .gitignore names them: {first_few(selection.ignored_but_packaged)}")
    if selection.overlooked:
        announce(
            "  packaged as they are here, although git overlooks changes of them: "
            f"{first_few(selection.overlooked)}"
        )
    return selection.left_out


def first_few(names: Sequence[str]) -> str:
    return f"{', '.join(names[:_MOST_SHOWN])}{' …' if names[_MOST_SHOWN:] else ''}"


def add_dependencies(
    recipe: Recipe,
    folder: Path,
    installed: Path,
    store: Path,
    exclude: Sequence[str],
    *,
    with_zappa: bool,
    announce: Announce,
) -> list[str]:
    """
    Install the requirements into `installed`, then move them into `folder`.

    Return the names of requirements that aren't packaged. Raise PackageFailed if the project already has a
    file of the same name.
    """
    tools = dependencies.install(
        recipe.requirements,
        installed,
        architecture=recipe.architecture,
        python=recipe.python,
        with_boto3=recipe.with_boto3,
        with_zappa=with_zappa,
        exclude=exclude,
        root=recipe.root,
        store=store,
        announce=announce,
    )
    merge(installed, folder)
    return tools


def merge(installed: Path, folder: Path) -> None:
    """
    Move what is in `installed` into `folder`. A namespace package may have parts in both.

    Raise PackageFailed if both have a file of the same name.
    """
    for path in sorted(installed.rglob("*")):
        target = folder / path.relative_to(installed)
        if path.is_dir() and (target.is_dir() or not target.exists()):
            target.mkdir(exist_ok=True)
        elif not target.exists():
            path.rename(target)
        elif not (path.is_file() and target.is_file() and declare_namespace(path, target)):
            shown = path.relative_to(installed)
            raise PackageFailed(
                f"The project and its requirements both have '{shown.parts[0]}' ({shown}).",
                "Rename the project's own.",
            )


def declare_namespace(*paths: Path) -> bool:
    """Return True if every one of these is the same __init__.py of a namespace package of the older kinds."""
    return all(
        path.name == "__init__.py" and _NAMESPACE.search(path.read_text(errors="replace")) for path in paths
    )
