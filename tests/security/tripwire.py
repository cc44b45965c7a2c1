"""Code that no text may run: whatever reaches it leaves a trace."""

from typing import Any

FIRED: list[str] = []


def fire(*args: Any, **kwargs: Any) -> str:
    FIRED.append(f"fire{args}{kwargs}")
    return "fired"


class Error(Exception):
    """An exception that tells when it is made."""

    def __init__(self, *args: object) -> None:
        FIRED.append(f"Error{args}")
        super().__init__(*args)


class Unpickled:
    """Pickles to a call of fire()."""

    def __reduce__(self) -> Any:
        return fire, ("unpickled",)


def __getattr__(name: str) -> Any:
    if name != "__path__":  # Python's own look-up, by an import statement.
        FIRED.append(f"getattr {name}")
    raise AttributeError(name)
