"""What a rule finds, and what is allowed all the same."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where a rule doesn't hold."""

    rule: str
    path: str  # Relative to the repository's folder.
    function: str  # Such as "Registry.resolve"; empty at the top of a module.
    line: int
    text: str

    @property
    def place(self) -> tuple[str, str, str]:
        """What an entry of the allow list names. Lines move too often."""
        return (self.rule, self.path, self.function)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """One or more places of a function where a rule need not hold, and why."""

    rule: str
    path: str
    function: str = ""
    times: int = 1
    because: str

    @property
    def place(self) -> tuple[str, str, str]:
        return (self.rule, self.path, self.function)
