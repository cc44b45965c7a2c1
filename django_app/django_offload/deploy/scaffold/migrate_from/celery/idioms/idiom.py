"""A row of the table of idioms."""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ......compat import of_this_django


@dataclass(frozen=True, slots=True)
class Idiom:
    """A way to use Celery, and what to write instead."""

    name: str  # As people write it.
    uses: tuple[str, ...]  # The names of ..names that it covers. `*` stands for any text.
    answer: str  # Plain sentences. Code is between backquotes.
    is_renamed: bool = False  # True if the command rewrites it, wherever that is always right.

    def __post_init__(self) -> None:
        object.__setattr__(self, "answer", of_this_django(self.answer))


class Table:
    """Idioms by their uses. An exact use counts before a pattern, a longer pattern before a shorter."""

    def __init__(self, idioms: Iterable[Idiom]) -> None:
        self.exact: dict[str, Idiom] = {}
        patterns: dict[str, Idiom] = {}
        for idiom in idioms:
            for use in idiom.uses:
                (patterns if "*" in use else self.exact)[use] = idiom
        self.patterns = sorted(patterns.items(), key=lambda item: -len(item[0]))

    def find(self, use: str) -> Idiom | None:
        """Return the row for a use, or None if the table has none."""
        if use in self.exact:
            return self.exact[use]
        return next((idiom for pattern, idiom in self.patterns if fnmatchcase(use, pattern)), None)
