"""Variables that Zappa's settings give the web side alone, though tasks may read them as well."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.views.debug import SafeExceptionReporterFilter

from ..stack.stage_environment import StageEnvironment, is_allowed_variable
from .errors import BadStage
from .stage import as_text
from .zappa_settings import FILE, slug

# Names of secrets beyond those that Django knows …
_SECRET_NAME = re.compile("PWD|CREDENTIAL|PRIVATE", re.IGNORECASE)
# … and values: a password in an address, which may hold a slash, or in a line of options; a private key.
_SECRET_VALUE = re.compile(r"://[^/@\s]*:[^@\s]+@|(?:password|pwd)\s*=|PRIVATE KEY-", re.IGNORECASE)
_FOR_THE_FUNCTION, _FOR_THE_HANDLER = "aws_environment_variables", "environment_variables"


def of_the_web(settings: Mapping[str, Any]) -> dict[str, str]:
    """
    Return what a stage of Zappa's settings says, but for what every function has from its stack.

    Raise BadStage where it says anything else than variables.
    """
    found = {**_given(settings, _FOR_THE_FUNCTION), **_given(settings, _FOR_THE_HANDLER)}
    return {name: as_text(value) for name, value in found.items() if is_allowed_variable(name)}


def _given(settings: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    given = settings.get(key) or {}
    if not isinstance(given, Mapping):
        raise BadStage(FILE, f"'{key}' is no object.", f'Write it as "{key}": {{"NAME": "value"}}.')
    return given


def looks_secret(name: str, value: str) -> bool:
    """Tell whether a value should not stand in a file: by what Django hides on error pages, and more."""
    names = (SafeExceptionReporterFilter.hidden_settings, _SECRET_NAME)
    return any(known.search(name) for known in names) or _SECRET_VALUE.search(value) is not None


def problems(
    settings: Mapping[str, Any], stage: str, surroundings: StageEnvironment
) -> Iterator[tuple[str, str]]:
    """Yield what differs between web and workers, and what to do. No value is told: it may be a secret."""
    lacking = {
        name: value
        for name, value in of_the_web(settings).items()
        if name not in surroundings.environment and name not in surroundings.secrets
    }
    if lacking:
        yield (
            f"By {FILE} the web side of the stage '{stage}' has variables that its workers lack: "
            f"{', '.join(sorted(lacking))}.",
            f"Write those that tasks read into infra/{stage}.json: {lines(lacking, stage)}.",
        )
    if settings.get("remote_env"):
        yield (
            f"By {FILE} the web side of the stage '{stage}' reads variables from remote_env, and its workers "
            "do not.",
            f'Write those that tasks read into "environment" or "secrets" of infra/{stage}.json.',
        )
    # The others of Zappa's the stage's take the place of, for web and workers alike.
    others = {
        name
        for name, value in _given(settings, _FOR_THE_HANDLER).items()
        if name in surroundings.secrets
        or surroundings.environment.get(name, as_text(value)) != as_text(value)
    }
    if others:
        yield (
            f"By {_FOR_THE_HANDLER} of {FILE} the web side of the stage '{stage}' has values of its own, "
            f"whatever infra/{stage}.json says: {', '.join(sorted(others))}.",
            f"Remove them there: those of infra/{stage}.json reach the web side, too.",
        )


def lines(lacking: Mapping[str, str], stage: str) -> str:
    """Return what to write, with dots for values."""
    secret = {name for name, value in lacking.items() if looks_secret(name, value)}
    plain = ", ".join(f'"{name}": "…"' for name in sorted(lacking.keys() - secret))
    kept = ", ".join(f'"{name}": "ssm:/…/{stage}/{slug(name)}"' for name in sorted(secret))
    said = [f'"environment": {{{plain}}}'] * bool(plain) + [f'"secrets": {{{kept}}}'] * bool(kept)
    return " and ".join(said)
