"""manage.py offload_package: build the zip that web and workers run from."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from ...deploy.package.build import build, recipe_of
from ...stack.layout import layout
from ...stack.parameters import ARCHITECTURES
from ..base import EXIT_OK, OffloadCommand


class Command(OffloadCommand):
    help = "Build the package: one zip of this project and its requirements, for web and workers."
    example = """
manage.py offload_package
manage.py offload_package --stage prod --architecture arm64
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--stage", default="dev", help="The stage in zappa_settings.json (dev).")
        parser.add_argument(
            "--architecture", choices=ARCHITECTURES, default=ARCHITECTURES[0], help="Processor (x86_64)."
        )
        parser.add_argument(
            "--output", type=Path, metavar="FILE", help="The zip (dist/<stage>-<architecture>.zip)."
        )
        parser.add_argument(
            "--requirements",
            type=Path,
            metavar="FILE",
            help="The requirements (lambdas/requirements.lock or .txt, or requirements.txt).",
        )
        parser.add_argument(
            "--with-boto3",
            action="store_true",
            help="Package the boto3 of the requirements instead of using the runtime's.",
        )

        # Django has an option of this name too, which call_command() sets.
        parser.add_argument(
            "--skip-checks",
            action="store_true",
            dest="unchecked",
            help="Don't load what the settings use from the finished package.",
        )

    def run(self, **options: Any) -> int:
        project = layout()
        stage, architecture = options["stage"], options["architecture"]
        recipe = recipe_of(
            project,
            stage,
            architecture=architecture,
            requirements=options["requirements"],
            with_boto3=options["with_boto3"],
            check_imports=not options["unchecked"],
        )
        output = options["output"] or project.root / "dist" / f"{stage}-{architecture}.zip"
        self.write_line(f"Packaging {project.root.name} for {stage}:")
        with self.progress("Packaging") as progress:

            def announce(text: str) -> None:
                self.write_line(text)
                progress.update(0, None, text.strip())

            archive = build(recipe, output, announce)
        size, unzipped = archive.size / 2**20, archive.unzipped / 2**20
        self.write_line(f"  {archive.path}: {size:.1f} MiB, {unzipped:.1f} MiB unzipped")
        self.write_line(f"  sha256 {archive.sha256}")
        self.write_json(
            {name: getattr(archive, name) for name in ("sha256", "size", "unzipped", "files")}
            | {"path": str(archive.path), "left": dict(archive.left_out)}
        )
        return EXIT_OK
