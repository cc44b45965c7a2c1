"""A stage, as its file in infra/ describes it."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..conf import ENV_ALIAS, Options
from ..stack import stacks
from ..stack.parameters import ARCHITECTURE, ARCHITECTURES, DEFAULT_RUNTIME, RUNTIME, RUNTIMES
from ..stack.stage_environment import StageEnvironment, Vpc, check_stage_environment
from .errors import BadStage

# Tells settings which stage they are read for; every function gets it too.
ENV_STAGE = "OFFLOAD_STAGE"
OWN_VARIABLES = (ENV_STAGE, ENV_ALIAS)
KEYS = ("region", "parameters", "environment", "secrets", "vpc", "include")
# Parameters that the package is built by, before CloudFormation could refuse them.
CHOICES = {ARCHITECTURE: ARCHITECTURES, RUNTIME: RUNTIMES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where a stack is deployed, and with what."""

    name: str
    region: str
    options: Options  # Of the stack that TASKS names for this stage.
    parameters: Mapping[str, str] = field(default_factory=dict)  # Of the template.
    surroundings: StageEnvironment

    @property
    def stack(self) -> str:
        return self.options.stack

    @property
    def architecture(self) -> str:
        return self.parameters.get(ARCHITECTURE, ARCHITECTURES[0])

    @property
    def runtime(self) -> str:
        return self.parameters.get(RUNTIME, DEFAULT_RUNTIME)


def read(root: Path, name: str) -> Stage:
    """Return the stage that infra/<name>.json describes. Raise BadStage for what cannot be used."""
    file = _file(root, name)
    given = _checked(file)
    options = _options(file)
    surroundings = _surroundings(file, name, given)
    check_stage_environment(surroundings, options.alias)
    return Stage(
        name=name,
        region=str(given.get("region") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"),
        options=options,
        parameters=_texts(given.get("parameters", {})),
        surroundings=surroundings,
    )


def surroundings_of(root: Path, name: str) -> StageEnvironment:
    """Return what the stage adds to the environment; what every stage adds, where it has no file."""
    file = _file(root, name)
    return _surroundings(file, name, _checked(file) if file.exists() else {})


def include_of(root: Path, name: str) -> Sequence[str]:
    """Return the patterns of files that the stage takes into the package, whatever their kind."""
    file = _file(root, name)
    return tuple(map(str, _checked(file).get("include", ()))) if file.exists() else ()


def runtime_of(root: Path, name: str) -> str:
    """Return what the stage's functions run on, as Lambda names it."""
    file = _file(root, name)
    given = _checked(file).get("parameters", {}) if file.exists() else {}
    return as_text(given.get(RUNTIME, DEFAULT_RUNTIME))


def _file(root: Path, name: str) -> Path:
    return root / "infra" / f"{name}.json"


def _checked(file: Path) -> dict[str, Any]:
    """Return what the file says. Raise BadStage for keys and values that it cannot have."""
    given = _content(file)
    unknown = given.keys() - set(KEYS)
    if unknown:
        raise BadStage(file, f"It has the unknown key '{min(unknown)}'.", f"Known are: {', '.join(KEYS)}.")
    for key in ("parameters", "environment", "secrets"):
        if not isinstance(given.get(key, {}), dict):
            raise BadStage(file, f"'{key}' is no object.", 'Write {"NAME": "value"}.')
    for key, known in CHOICES.items():
        value = as_text(given.get("parameters", {}).get(key, known[0]))
        if value not in known:
            raise BadStage(
                file, f"Among its parameters '{key}' is '{value}'.", f"It can be: {', '.join(known)}."
            )
    if not isinstance(given.get("include", []), list):
        raise BadStage(file, "'include' is no list.", 'Write patterns: ["shop/certificates/*.pem"].')
    for name in OWN_VARIABLES:
        if name in given.get("environment", {}) or name in given.get("secrets", {}):
            raise BadStage(file, f"It names {name}, which each deployment sets itself.", "Remove it.")
    return given


def _surroundings(file: Path, name: str, given: Mapping[str, Any]) -> StageEnvironment:
    return StageEnvironment(
        environment={ENV_STAGE: name, **_texts(given.get("environment", {}))},
        secrets=_texts(given.get("secrets", {})),
        vpc=_vpc(file, given.get("vpc")),
    )


def _content(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text())
    except OSError as exc:
        raise BadStage(
            file, f"It cannot be read ({exc.strerror}).", "manage.py offload_init writes it."
        ) from exc
    except ValueError as exc:
        raise BadStage(file, f"It is not JSON ({exc}).", "Correct it.") from exc
    if not isinstance(found, dict):
        raise BadStage(file, "It is no JSON object.", f"Give it the keys {', '.join(KEYS)}.")
    return found


def _options(file: Path) -> Options:
    known = stacks()
    if len(known) != 1:
        raise BadStage(
            file,
            f"TASKS names {len(known)} stacks and a stage deploys one.",
            "Give all aliases one OPTIONS['stack'].",
        )
    return next(iter(known.values()))[0]


def _vpc(file: Path, given: object) -> Vpc | None:
    if not given:
        return None
    if not isinstance(given, dict) or given.keys() - {"subnets", "security_groups"}:
        raise BadStage(
            file, "'vpc' is neither null nor complete.", 'Give it "subnets" and "security_groups".'
        )
    return Vpc(
        subnets=tuple(given.get("subnets", ())), security_groups=tuple(given.get("security_groups", ()))
    )


def _texts(given: Mapping[str, object]) -> dict[str, str]:
    """Return values as CloudFormation and the environment take them."""
    return {name: as_text(value) for name, value in given.items()}


def as_text(value: object) -> str:
    """Return a value as CloudFormation and the environment take it."""
    return value if isinstance(value, str) else json.dumps(value)
