"""One defect, planted by a patch."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Mutant:
    """One defect: what is patched, what takes its place, and how it has to show, where it is one way."""

    name: str
    target: Any
    attribute: str
    defect: Any
    shows: str = ""
