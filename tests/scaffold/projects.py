"""Django projects as people have them, in two layouts, before they know of this library."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django_offload.compat import TASKS_APP
from tests.scaffold.environment import Environment
from tests.scaffold.readme import Part


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How a project is laid out and named; the README's own is `shop` with an app `reports`."""

    package: str = "shop"
    app: str = "reports"
    source: str = "."  # The folder of manage.py, in the project's.
    settings: str = "settings.py"


FLAT = Shape()
NESTED = Shape(package="backoffice", app="billing", source="src", settings="settings/base.py")


class Project:
    """One project on disk."""

    def __init__(self, folder: Path, shape: Shape, environment: Environment) -> None:
        self.root, self.shape, self.environment = folder, shape, environment
        self.source = folder / shape.source
        self.source.mkdir(parents=True)
        environment.run(f"django-admin startproject {shape.package} .", self.source)
        environment.run(f"python manage.py startapp {shape.app}", self.source)
        if shape.source != ".":
            (folder / "pyproject.toml").write_text(f'[project]\nname = "{shape.package}"\n')
        package = self.source / shape.package
        settings = package / shape.settings
        if settings.name != "settings.py":
            self._move_settings(package, settings)
        if TASKS_APP:
            self.append(settings, f"INSTALLED_APPS += {[TASKS_APP]}\n")

    def use_database(self, settings: dict[str, Any]) -> None:
        """Have the project keep its data there."""
        self.append(
            self.source / self.shape.package / self.shape.settings,
            f'DATABASES = {{"default": {json.dumps(settings)}}}\n',
        )

    def write(self, part: Part) -> None:
        """Do to a file what the README says, under this project's names."""
        name = self._named(part.name).replace(f"{self.shape.package}/settings.py", self._settings)
        path = self.source / name
        text = self._named(part.text)
        self.append(path, text) if part.append else path.write_text(text)

    def append(self, path: Path, text: str) -> None:
        with path.open("a") as file:
            file.write(f"\n{text}")

    def run(self, command: str, *, typed: str = "") -> str:
        """Run a command line in the folder of manage.py."""
        return self.environment.run(command, self.source, typed=typed)

    @property
    def _settings(self) -> str:
        return f"{self.shape.package}/{self.shape.settings}"

    def _named(self, text: str) -> str:
        return text.replace("shop", self.shape.package).replace("reports", self.shape.app)

    def _move_settings(self, package: Path, settings: Path) -> None:
        """Make the settings a module of a package of settings, as large projects do."""
        settings.parent.mkdir()
        (settings.parent / "__init__.py").touch()
        text = (package / "settings.py").read_text()
        settings.write_text(text.replace(".parent.parent", ".parent.parent.parent"))
        (package / "settings.py").unlink()
        module = f"{self.shape.package}.settings.{settings.stem}"
        for path in (self.source / "manage.py", package / "wsgi.py", package / "asgi.py"):
            path.write_text(path.read_text().replace(f"{self.shape.package}.settings", module))
