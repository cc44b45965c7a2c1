"""What to know of the stages' files that are written: what they cannot have, or should not."""

from collections.abc import Iterable, Iterator

from ...stack.layout import Layout
from ..variables import lines, looks_secret, of_the_web
from ..zappa_settings import extended
from . import runtime
from .changes import Change
from .zappa import stages_of


def notes(layout: Layout, changes: Iterable[Change]) -> Iterator[str]:
    """Yield what to know of the stages among `changes`."""
    folder = layout.root / "infra"
    written = [change.path.stem for change in changes if change.path.match(f"{folder}/*.json")]
    known = stages_of(layout)
    zappas = {stage: extended(known, stage) if stage in known else {} for stage in written}
    yield from filter(None, map(runtime.note, dict.fromkeys(map(runtime.runtime, zappas.values()))))
    for stage, settings in zappas.items():
        variables = of_the_web(settings)
        secret = {name: value for name, value in variables.items() if looks_secret(name, value)}
        if secret:
            yield (
                f"infra/{stage}.json leaves out what looks like a secret: {', '.join(sorted(secret))}. Put "
                f"each value into Systems Manager, and say there where it lies: {lines(secret, stage)}."
            )
