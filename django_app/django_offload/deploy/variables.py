"""Variables that Zappa's settings give only to the web side, although tasks may read them too."""

from collections.abc import Iterator, Mapping
from typing import Any

from ..stack.stage_environment import StageEnvironment, is_allowed_variable
from .errors import BadStage
from .likely_credentials import looks_secret
from .stage import as_text, check_values
from .zappa_settings import FILE, slug

# Variables of the function, and those that Zappa's own handler sets.
FUNCTION_KEY, HANDLER_KEY = "aws_environment_variables", "environment_variables"


def web_variables(settings: Mapping[str, Any]) -> dict[str, str]:
    """
    Return the variables of a stage of Zappa's settings, without those that the stack sets itself.

    Raise BadStage if the settings have something other than variables there.
    """
    return function_variables(settings) | handler_variables(settings)


def function_variables(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return `aws_environment_variables` as variables. Raise BadStage as web_variables() does."""
    variables = variables_in(settings, FUNCTION_KEY)
    return {name: as_text(value) for name, value in variables.items() if is_allowed_variable(name)}


def handler_variables(settings: Mapping[str, Any]) -> dict[str, str]:
    """
    Return `environment_variables`, which the function gets as its own, before its code starts.

    Leave out those that the stack or Lambda sets itself. Raise BadStage as web_variables() does.
    """
    variables = variables_in(settings, HANDLER_KEY)
    return {name: as_text(value) for name, value in variables.items() if is_allowed_variable(name)}


def variables_in(settings: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    variables = settings.get(key) or {}
    if not isinstance(variables, Mapping):
        raise BadStage(FILE, f"'{key}' is not an object.", f'Write it as "{key}": {{"NAME": "value"}}.')
    check_values(FILE, key, variables)
    return variables


def variable_warnings(
    settings: Mapping[str, Any], stage: str, stage_environment: StageEnvironment
) -> Iterator[tuple[str, str]]:
    """
    Yield each difference between the variables of web and workers, with its remedy.

    The texts name no value, because it may be a secret.
    """
    missing = {
        name: value
        for name, value in web_variables(settings).items()
        if name not in stage_environment.environment and name not in stage_environment.secrets
    }
    if missing:
        yield (
            f"{FILE} gives the web side of the stage '{stage}' variables that its workers lack: "
            f"{', '.join(sorted(missing))}.",
            f"Add those that tasks read to infra/{stage}.json: {lines_to_add(missing, stage)}.",
        )
    # Python's path is Zappa's own way to give the folder of the modules, and the stack sets the same.
    impossible = {
        name
        for key in (FUNCTION_KEY, HANDLER_KEY)
        for name in variables_in(settings, key)
        if not is_allowed_variable(name) and name != "PYTHONPATH"
    }
    if impossible:
        yield (
            f"{FILE} gives the web side of the stage '{stage}' variables that Lambda or the stack sets "
            f"itself, or whose names Lambda refuses: {', '.join(sorted(impossible))}.",
            f"Remove them in {FILE}. They are left out.",
        )
    if settings.get("remote_env"):
        yield (
            f"By {FILE}, the web side of the stage '{stage}' reads variables from remote_env, but its "
            "workers don't.",
            f'Add those that tasks read to "environment" or "secrets" in infra/{stage}.json.',
        )
    # The stage's file replaces Zappa's aws_environment_variables, for web and workers alike.
    differing = {
        name
        for name, value in variables_in(settings, HANDLER_KEY).items()
        if name in stage_environment.secrets
        or stage_environment.environment.get(name, as_text(value)) != as_text(value)
    }
    if differing:
        yield (
            f"{HANDLER_KEY} of {FILE} and infra/{stage}.json give the web side of the stage '{stage}' "
            f"different values: {', '.join(sorted(differing))}.",
            f"Remove them in {FILE}, because the values of infra/{stage}.json reach the web side too.",
        )


def lines_to_add(variables: Mapping[str, str], stage: str) -> str:
    """Return the entries that a stage's file needs for these variables, with dots instead of values."""
    secret = sorted(name for name, value in variables.items() if looks_secret(name, value))
    plain = ", ".join(f'"{name}": "…"' for name in sorted(variables.keys() - set(secret)))
    references = ", ".join(f'"{name}": "ssm:/…/{stage}/{slug(name)}"' for name in secret)
    entries = []
    if plain:
        entries.append(f'"environment": {{{plain}}}')
    if references:
        entries.append(f'"secrets": {{{references}}}')
    return " and ".join(entries)
