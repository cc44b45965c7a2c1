"""manage.py offload_package: the one zip that web and workers run from."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from ...deploy.package.build import build, recipe_of
from ...stack.layout import layout
from ...stack.parameters import ARCHITECTURES
from ..base import FINE, OffloadCommand


class Command(OffloadCommand):
    help = "Build the package: one zip of this project and its requirements, for web and workers."
    example = """
manage.py offload_package
manage.py offload_package --stage prod --architecture arm64
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--stage", default="dev", help="Stage of zappa_settings.json (dev).")
        parser.add_argument(
            "--architecture", choices=ARCHITECTURES, default=ARCHITECTURES[0], help="Processor (x86_64)."
        )
        parser.add_argument("--output", type=Path, metavar="FILE", help="dist/<stage>-<architecture>.zip")
        parser.add_argument(
            "--requirements",
            type=Path,
            metavar="FILE",
            help="What the code needs (lambdas/requirements.lock or .txt, or requirements.txt).",
        )
        parser.add_argument(
            "--with-boto3",
            action="store_true",
            help="Package the boto3 of the requirements too, instead of using the runtime's.",
        )

    def answer(self, **options: Any) -> int:
        place = layout()
        stage, architecture = options["stage"], options["architecture"]
        recipe = recipe_of(
            place,
            stage,
            architecture=architecture,
            requirements=options["requirements"],
            with_boto3=options["with_boto3"],
        )
        output = options["output"] or place.root / "dist" / f"{stage}-{architecture}.zip"
        self.line(f"Packaging {place.root.name} for {stage}:")
        with self.working("Packaging") as work:

            def announce(text: str) -> None:
                self.line(text)
                work.at(0, None, text.strip())

            made = build(recipe, output, announce)
        self.line(f"  {made.path}: {made.size / 2**20:.1f} MiB, {made.unzipped / 2**20:.1f} MiB unzipped")
        self.line(f"  sha256 {made.sha256}")
        self.data(
            {name: getattr(made, name) for name in ("sha256", "size", "unzipped", "files")}
            | {"path": str(made.path), "left": dict(made.left_out)}
        )
        return FINE
