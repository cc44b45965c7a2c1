"""manage.py offload_deploy: from the working tree to a running site on AWS, and back."""

import os
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from ...deploy import variables
from ...deploy.package.archive import Archive, read_archive
from ...deploy.package.build import build, recipe_of
from ...deploy.release.aws import AWS
from ...deploy.release.change_set import ChangeSet
from ...deploy.release.deployment import Deployment, Steps
from ...deploy.release.settings_check import check
from ...deploy.release.stack_events import EventLine
from ...deploy.stage import ENV_STAGE, Stage, read_stage
from ...deploy.zappa_settings import zappa_settings
from ...stack.layout import Layout, layout
from ..base import FINE, OffloadCommand
from ..long_work import Work
from ..tables import Painted


class Command(OffloadCommand):
    help = "Deploy a stage: package, stack (its changes are shown first), migrations, and the web side."
    example = """
manage.py offload_deploy --stage dev --dry-run
manage.py offload_deploy --stage dev
manage.py offload_deploy --stage dev --rollback
manage.py offload_deploy --stage dev --delete
"""

    _work: Work | None = None
    _expected = 0  # Resources that change, and the stack itself.
    _there: set[str]

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--stage", default="dev", help="infra/<stage>.json says where and with what (dev)."
        )
        way = parser.add_mutually_exclusive_group()
        way.add_argument("--dry-run", action="store_true", help="Show what would change; change nothing.")
        way.add_argument("--rollback", action="store_true", help="Go back to the code before this.")
        way.add_argument("--delete", action="store_true", help="Delete it all, but for table and bucket.")
        parser.add_argument("--with-data", action="store_true", help="With --delete: table and bucket too.")
        parser.add_argument("--package", type=Path, metavar="FILE", help="What offload_package has built.")
        parser.add_argument("--no-web", action="store_true", help="Leave the web side as it is.")
        parser.add_argument("--no-migrate", action="store_true", help="Run no migrations.")
        # Not Django's own of this name, which call_command() sets.
        parser.add_argument(
            "--skip-checks",
            action="store_true",
            dest="unchecked",
            help="Deploy whatever the settings' checks find.",
        )
        parser.add_argument("--yes", action="store_true", help="Do not ask before anything is changed.")

    def answer(self, **options: Any) -> int:
        if options["with_data"] and not options["delete"]:
            raise self.unusable("--with-data belongs to --delete: nothing else deletes data.")
        if os.environ.get(ENV_STAGE) != options["stage"]:
            return self._in_stage(options["stage"])
        place = layout()
        stage = read_stage(place.root, options["stage"])
        deployment = Deployment(AWS(stage.region), stage, place, self.tell)
        self.tell(
            f"Stage {stage.name}: stack {stage.stack}, account {deployment.aws.account}, {stage.region}"
        )
        deployment.check_stack(deletes=options["delete"])
        if options["delete"]:
            return self._delete(deployment, options)
        if options["rollback"]:
            return self._rollback(deployment, options)
        return self._deploy(deployment, place, options)

    def tell(self, text: str) -> None:
        self.line(text)
        self.stdout.flush()
        if self._work is not None:
            if isinstance(text, EventLine) and text.finished:
                self._there.add(text.finished)
            if self._expected:
                self._work.at(min(len(self._there), self._expected), self._expected, "resources")
            else:
                self._work.at(0)

    def _in_stage(self, stage: str) -> int:
        """Run this command in a process whose settings know the stage: they may name its stack by it."""
        # As Python was given it: sys.argv has forgotten the -m of `python -m django`.
        command = [sys.executable, *sys.orig_argv[1:]]
        return subprocess.run(command, env={**os.environ, ENV_STAGE: stage}, check=False).returncode

    def _deploy(self, deployment: Deployment, place: Layout, options: dict[str, Any]) -> int:
        if not options["unchecked"]:
            self._check(deployment.stage, place, web=not options["no_web"])
        package = self._package(deployment.stage, place, options["package"])
        release, change = deployment.prepare(package, dry_run=options["dry_run"])
        self._show(change)
        if options["dry_run"]:
            deployment.cancel(change)
            self.data({"changes": [] if change is None else list(change.changes)})
            return FINE
        if not self._agreed(options, "Make these changes?"):
            return self._leave(deployment, change)
        self._upload(deployment, package)
        return self._apply(deployment, release, change, options)

    def _rollback(self, deployment: Deployment, options: dict[str, Any]) -> int:
        release = deployment.previous_release()
        self.tell(
            f"Back to the release {release.id}, the last with other code, with its variables and parameters; "
            "secrets stay as they are, and migrations are not undone."
        )
        change = deployment.change(release)
        self._show(change)
        if not self._agreed(options, "Go back?"):
            return self._leave(deployment, change)
        # What was migrated stays: older code must get along with newer tables.
        return self._apply(deployment, release, change, {**options, "no_migrate": True})

    def _delete(self, deployment: Deployment, options: dict[str, Any]) -> int:
        what = "with table and bucket" if options["with_data"] else "but for table and bucket"
        if not self._agreed(options, f"Delete {deployment.stage.stack}, {what}?"):
            self.tell("Nothing was deleted.")
            return FINE
        deployment.delete(with_data=options["with_data"])
        self.tell(f"The stack {deployment.stage.stack} is deleted.")
        return FINE

    def _check(self, stage: Stage, place: Layout, *, web: bool) -> None:
        self.tell("Checking the settings, as the stage has them:")
        warnings = check(place, stage, web=web)
        names = f"{len(warnings)} warnings ({', '.join(sorted(set(warnings)))}), see manage.py check --deploy"
        self.tell(f"  nothing is wrong{'; ' + names if warnings else ''}")
        if web:
            settings = zappa_settings(place.root, stage.name)
            for problem, remedy in variables.variable_warnings(settings, stage.name, stage.surroundings):
                self.tell(Painted(f"  {problem} {remedy}", "waits"))

    def _package(self, stage: Stage, place: Layout, built: Path | None) -> Archive:
        if built is not None:
            return read_archive(built)
        self.tell("Packaging:")
        recipe = recipe_of(place, stage.name, architecture=stage.architecture, requirements=None)
        with self.working("Packaging") as self._work:
            made = build(recipe, place.root / "dist" / f"{stage.name}-{stage.architecture}.zip", self.tell)
        self._work = None
        self.tell(f"  {made.size / 2**20:.1f} MiB, sha256 {made.sha256}")
        return made

    def _upload(self, deployment: Deployment, package: Archive) -> None:
        sent: list[int] = []
        with self.working("Uploading") as work:

            def told(size: int) -> None:
                sent.append(size)
                work.at(round(sum(sent) / 2**20, 1), round(package.size / 2**20, 1), "MiB")

            deployment.releases.put_package(package, told)

    def _apply(
        self, deployment: Deployment, release: Any, change: ChangeSet | None, options: dict[str, Any]
    ) -> int:
        steps = Steps(web=not options["no_web"], migrations=not options["no_migrate"])
        self._expected, self._there = len(change.changes) + 1 if change is not None else 0, set()
        with self.working("Deploying") as self._work:
            deployment.apply(release, change, steps)
        self._work = None
        said = deployment.outputs()
        self.tell(f"Release {release.id} is deployed.")
        for name, value in said.items():
            self.tell(f"  {name:<20} {value}")
        self.data({"release": release.id, "outputs": dict(said)})
        return FINE

    def _show(self, change: ChangeSet | None) -> None:
        if change is None:
            self.tell("The stack is as it should be.")
            return
        self.tell(f"Changes of the stack {change.stack}{' (new)' if change.creates else ''}:")
        for line in change.lines():
            self.tell(Painted(line, "bad") if "REPLACED" in line or line.startswith("  Remove") else line)
        if change.imports:
            self.tell(
                "  Import: kept by an earlier deployment, and taken back as it is, with all that is in it"
            )
        if not change.changes:
            self.tell("  no resource is added or removed: parameters alone change")

    def _agreed(self, options: dict[str, Any], question: str) -> bool:
        """Return whether to go on. Raise CommandError where nobody can be asked."""
        if options["yes"]:
            return True
        if self.as_json or not sys.stdin.isatty():
            raise self.unusable("Nobody can be asked here: add --yes, or look first with --dry-run.")
        return input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}

    def _leave(self, deployment: Deployment, change: ChangeSet | None) -> int:
        deployment.cancel(change)
        self.tell("Nothing was changed.")
        return FINE
