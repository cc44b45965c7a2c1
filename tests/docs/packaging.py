"""A project whose package lacks something; what takes long about packaging is left out."""

import subprocess
from pathlib import Path

from django_offload.deploy import zappa_settings
from django_offload.deploy.package import build, bytecode, static_files, task_list, web_handler
from django_offload.management.commands import offload_package
from django_offload.stack.layout import Layout
from tests.docs.world import World


def in_a_repository(world: World) -> str:
    """Lead offload_package to a project with a module that git does not track, and a task list that fails."""
    found = _project(world.folder / "shop")
    world.patch.setattr(offload_package, "layout", lambda: found)
    world.patch.setattr(zappa_settings, "zappa_settings", lambda root, stage: {"project_name": "shop"})
    world.patch.setattr(web_handler, "add", lambda folder, stage, settings: None)
    world.patch.setattr(static_files, "collect", lambda *arguments, **options: None)
    world.patch.setattr(
        task_list, "write", lambda *arguments: "ModuleNotFoundError: No module named 'pandas'"
    )
    world.patch.setattr(build, "add_dependencies", lambda *arguments, **options: [])
    world.patch.setattr(build, "check_package", lambda *arguments: None)
    for name in ("interpreter", "compile_all"):
        world.patch.setattr(bytecode, name, lambda *arguments, **options: None)
    world.patch.setattr(bytecode, "uncompiled", lambda folder: [])
    return ""


def _project(root: Path) -> Layout:
    for name in ("manage.py", "shop/settings.py", "lambdas/worker.py", "lambdas/requirements.txt"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    for command in (["git", "init", "--quiet"], ["git", "add", "."]):
        subprocess.run(command, cwd=root, check=True)
    (root / "shop" / "forgotten.py").touch()
    return Layout(root=root, source=root, settings_module="shop.settings")
