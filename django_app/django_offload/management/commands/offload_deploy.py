"""manage.py offload_deploy: deploy a stage to AWS, roll it back, or delete it."""

import os
import subprocess
import sys
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ...deploy import variables
from ...deploy.errors import ChecksFailed
from ...deploy.package.archive import Archive, read_archive
from ...deploy.package.build import build, recipe_of
from ...deploy.release.change_set import ChangeSet
from ...deploy.release.credentials import check_credentials
from ...deploy.release.deployment import Deployment, Steps
from ...deploy.release.old_fallbacks import fallback_warnings
from ...deploy.release.settings_check import check
from ...deploy.release.stack_events import EventLine
from ...deploy.secret_files import credential_warnings
from ...deploy.stage import ENV_STAGE, Stage, read_stage
from ...deploy.web_features import handler_warning, refused_features
from ...deploy.zappa_settings import zappa_settings
from ...stack.layout import Layout, layout
from ..base import EXIT_OK, OffloadCommand
from ..progress import Progress
from ..rendering import Styled


class Command(OffloadCommand):
    help = (
        "Deploy a stage: build the package, change the stack, run the migrations, and deploy the web side. "
        "The changes of the stack are shown first."
    )
    example = """
manage.py offload_deploy --stage dev --dry-run
manage.py offload_deploy --stage dev
manage.py offload_deploy --stage dev --rollback
manage.py offload_deploy --stage dev --delete
"""

    _progress: Progress | None = None
    _expected_resources = 0  # The resources that change, and the stack itself.
    _finished_resources: set[str]

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--stage", default="dev", help="The stage that infra/<stage>.json describes (dev)."
        )
        mode = parser.add_mutually_exclusive_group()
        mode.add_argument("--dry-run", action="store_true", help="Show the changes without making them.")
        mode.add_argument("--rollback", action="store_true", help="Return to the code before this.")
        mode.add_argument("--delete", action="store_true", help="Delete all except table and bucket.")
        parser.add_argument("--with-data", action="store_true", help="With --delete: table and bucket too.")
        parser.add_argument(
            "--package", type=Path, metavar="FILE", help="A package that offload_package has built."
        )
        parser.add_argument("--no-web", action="store_true", help="Don't deploy the web side.")
        parser.add_argument("--no-migrate", action="store_true", help="Don't run migrations.")
        # Django has an option of this name too, which call_command() sets.
        parser.add_argument(
            "--skip-checks",
            action="store_true",
            dest="unchecked",
            help="Deploy without checking the settings.",
        )
        parser.add_argument("--yes", action="store_true", help="Make the changes without asking.")

    def run(self, **options: Any) -> int:
        if options["with_data"] and not options["delete"]:
            raise self.usage_error("--with-data has no effect without --delete. Add --delete, or remove it.")
        if os.environ.get(ENV_STAGE) != options["stage"]:
            return self.run_with_stage(options)
        project = layout()
        stage = read_stage(project.root, options["stage"])
        aws = check_credentials(stage.region, zappa_settings(project.root, stage.name), project.root)
        deployment = Deployment(aws, stage, project, self.announce)
        self.announce(
            f"Stage {stage.name}: stack {stage.stack}, account {deployment.aws.account}, {stage.region}"
        )
        deployment.check_stack(deletes=options["delete"])
        if options["delete"]:
            return self.delete(deployment, options)
        if options["rollback"]:
            return self.roll_back(deployment, options)
        deployment.check_limits(web=not options["no_web"])
        deployment.check_steps()
        return self.deploy(deployment, project, options)

    def run_with_stage(self, options: dict[str, Any]) -> int:
        """
        Run this command in a process that has the stage in its environment, and return its exit code.

        Settings may name their stack after the stage, so they must be read again.
        """
        settings_module = options["settings"] or os.environ.get("DJANGO_SETTINGS_MODULE")
        if settings_module is None:
            raise self.usage_error("The settings aren't in a module. Name it in DJANGO_SETTINGS_MODULE.")
        command = [sys.executable, "-m", "django", "offload_deploy", *own_arguments(options)]
        environment = {
            **os.environ,
            ENV_STAGE: options["stage"],
            "DJANGO_SETTINGS_MODULE": settings_module,
            "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path),
        }
        wrapper: Any = self.stdout
        stream = wrapper._out
        try:
            stream.fileno()
        except (AttributeError, OSError):  # A program collects the output in a stream of its own.
            finished = subprocess.run(command, env=environment, check=False, text=True, capture_output=True)
            self.stdout.write(finished.stdout, ending="")
            self.stderr.write(finished.stderr, str, ending="")
            return finished.returncode
        return subprocess.run(command, env=environment, check=False, stdout=stream).returncode

    def announce(self, text: str) -> None:
        """Print a line at once, and show the progress of the deployment."""
        self.write_line(text)
        self.stdout.flush()
        if self._progress is not None:
            if isinstance(text, EventLine) and text.finished:
                self._finished_resources.add(text.finished)
            total = self._expected_resources
            if total:
                self._progress.update(min(len(self._finished_resources), total), total, "resources")
            else:
                self._progress.update(0)

    def deploy(self, deployment: Deployment, project: Layout, options: dict[str, Any]) -> int:
        if not options["unchecked"]:
            self.check_settings(deployment.stage, project, web=not options["no_web"])
            secrets = deployment.stage.stage_environment.secrets
            for text in fallback_warnings(deployment.aws, secrets, datetime.now(UTC)):
                self.announce(Styled(f"  {text}", "warning"))
        package = self.package(deployment.stage, project, options["package"], not options["unchecked"])
        release, change = deployment.prepare(package, dry_run=options["dry_run"])
        self.show_changes(change)
        if options["dry_run"]:
            deployment.cancel(change)
            self.write_json({"changes": [] if change is None else list(change.changes)})
            return EXIT_OK
        if not self.confirmed(options, "Make these changes?"):
            return self.discard_change(deployment, change)
        self.upload(deployment, package)
        return self.apply(deployment, release, change, options)

    def roll_back(self, deployment: Deployment, options: dict[str, Any]) -> int:
        release = deployment.previous_release()
        deployment.check_rollback(release)
        self.announce(
            f"Rolling back to release {release.id}, the last with other code, with its variables and "
            "parameters. Secrets and migrations stay as they are."
        )
        change = deployment.change(release)
        self.show_changes(change)
        if not self.confirmed(options, "Roll back?"):
            return self.discard_change(deployment, change)
        # Migrations aren't undone, so the older code must work with the newer tables.
        return self.apply(deployment, release, change, {**options, "no_migrate": True})

    def delete(self, deployment: Deployment, options: dict[str, Any]) -> int:
        stack = deployment.stage.stack
        extent = "including table and bucket" if options["with_data"] else "except table and bucket"
        if not self.confirmed(options, f"Delete {stack}, {extent}?"):
            self.announce("Nothing was deleted.")
            return EXIT_OK
        deployment.delete(with_data=options["with_data"])
        self.announce(f"The stack {stack} is deleted.")
        return EXIT_OK

    def check_settings(self, stage: Stage, project: Layout, *, web: bool) -> None:
        self.announce("Checking the settings of the stage:")

        def warn(text: str) -> None:
            self.announce(Styled(f"  {text}", "warning"))

        warnings = check(project, stage, web=web, announce=warn)
        for problem, remedy in credential_warnings(project.root, stage.name, web=web):
            warn(f"{problem} {remedy}")
        names = f"{len(warnings)} warnings ({', '.join(sorted(set(warnings)))}), see manage.py check --deploy"
        self.announce(f"  no errors{'; ' + names if warnings else ''}")
        if web:
            settings = zappa_settings(project.root, stage.name)
            refused = [f"{problem} {remedy}" for problem, remedy in refused_features(settings, stage.name)]
            if refused:
                raise ChecksFailed(stage.name, refused)
            for problem, remedy in variables.variable_warnings(settings, stage.name, stage.stage_environment):
                self.announce(Styled(f"  {problem} {remedy}", "info"))
            warning = handler_warning(settings, stage.name)
            if warning is not None:
                warn(" ".join(warning))

    def package(
        self, stage: Stage, project: Layout, file: Path | None, check_imports: bool = True
    ) -> Archive:
        """Return the package in `file`, or build one."""
        if file is not None:
            return read_archive(file)
        self.announce("Packaging:")
        recipe = recipe_of(
            project,
            stage.name,
            architecture=stage.architecture,
            requirements=None,
            check_imports=check_imports,
        )
        output = project.root / "dist" / f"{stage.name}-{stage.architecture}.zip"
        with self.progress("Packaging") as self._progress:
            archive = build(recipe, output, self.announce)
        self._progress = None
        self.announce(f"  {archive.size / 2**20:.1f} MiB, sha256 {archive.sha256}")
        return archive

    def upload(self, deployment: Deployment, package: Archive) -> None:
        uploaded: list[int] = []
        with self.progress("Uploading") as progress:

            def show_upload(size: int) -> None:
                uploaded.append(size)
                progress.update(round(sum(uploaded) / 2**20, 1), round(package.size / 2**20, 1), "MiB")

            deployment.releases.put_package(package, show_upload)

    def apply(
        self, deployment: Deployment, release: Any, change: ChangeSet | None, options: dict[str, Any]
    ) -> int:
        """Change the stack, run migrations, deploy the web side, and print where the site is."""
        steps = Steps(web=not options["no_web"], migrations=not options["no_migrate"])
        self._expected_resources = len(change.changes) + 1 if change is not None else 0
        self._finished_resources = set()
        with self.progress("Deploying") as self._progress:
            deployment.apply(release, change, steps)
        self._progress = None
        outputs = deployment.outputs()
        self.announce(f"Release {release.id} is deployed.")
        for name, value in outputs.items():
            self.announce(f"  {name:<20} {value}")
        self.write_json({"release": release.id, "outputs": dict(outputs)})
        return EXIT_OK

    def show_changes(self, change: ChangeSet | None) -> None:
        if change is None:
            self.announce("The stack is up to date.")
            return
        self.announce(f"Changes of the stack {change.stack}{' (new)' if change.creates else ''}:")
        for line in change.lines():
            destroys = "REPLACED" in line or line.startswith("  Remove")
            self.announce(Styled(line, "bad") if destroys else line)
        if change.imports:
            self.announce("  Import: an earlier deployment left it, and the stack adopts it with its data.")
        if not change.changes:
            self.announce("  only parameters change; no resource is added or removed")

    def discard_change(self, deployment: Deployment, change: ChangeSet | None) -> int:
        deployment.cancel(change)
        self.announce("Nothing was changed.")
        return EXIT_OK


def own_arguments(options: dict[str, Any]) -> list[str]:
    """Return the arguments that give another process the same options."""
    flags = {"skip_checks": "unchecked"}
    names = (
        *("dry_run", "rollback", "delete", "with_data", "no_web", "no_migrate", "skip_checks", "yes"),
        *("json", "traceback", "no_color", "force_color"),
    )
    return [
        *("--stage", options["stage"], "--verbosity", str(options["verbosity"])),
        *(["--package", str(options["package"])] if options["package"] else []),
        *(f"--{name.replace('_', '-')}" for name in names if options[flags.get(name, name)]),
    ]
