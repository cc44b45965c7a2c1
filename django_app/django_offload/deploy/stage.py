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

# The name of the stage, for the settings; every function gets it too.
ENV_STAGE = "OFFLOAD_STAGE"
OWN_VARIABLES = (ENV_STAGE, ENV_ALIAS)
KEYS = (
    # The region of AWS, by default that of AWS_DEFAULT_REGION, or else us-east-1.
    "region",
    # Values for the parameters of the stack's template, by name.
    "parameters",
    # Environment variables of the web side and the workers, by name.
    "environment",
    # Where the secret value of a variable is stored, by its name: `ssm:/path` or `secretsmanager:name`.
    "secrets",
    # The network of the functions as `subnets` and `security_groups`, or null for none.
    "vpc",
    # Patterns of files that are packaged although other rules leave them out.
    "include",
)
# The package depends on these parameters, so they are checked before CloudFormation could reject them.
CHOICES = {ARCHITECTURE: ARCHITECTURES, RUNTIME: RUNTIMES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where a stack is deployed, and with what."""

    name: str
    region: str
    options: Options  # Of the stack that TASKS names for this stage.
    parameters: Mapping[str, str] = field(default_factory=dict)  # Of the template.
    stage_environment: StageEnvironment

    @property
    def stack(self) -> str:
        return self.options.stack

    @property
    def architecture(self) -> str:
        return self.parameters.get(ARCHITECTURE, ARCHITECTURES[0])

    @property
    def runtime(self) -> str:
        return self.parameters.get(RUNTIME, DEFAULT_RUNTIME)


def read_stage(root: Path, name: str) -> Stage:
    """Return the stage that infra/<name>.json describes. Raise BadStage if the file is invalid."""
    file = stage_file(root, name)
    content = load(file)
    stacks_by_name = stacks()
    if len(stacks_by_name) != 1:
        raise BadStage(
            file,
            f"TASKS names {len(stacks_by_name)} stacks, but a stage deploys exactly one.",
            "Give all aliases the same OPTIONS['stack'].",
        )
    options = next(iter(stacks_by_name.values()))[0]
    stage_environment = stage_environment_in(content, name)
    check_stage_environment(stage_environment, options.alias)
    return Stage(
        name=name,
        region=region_in(content),
        options=options,
        parameters={name: as_parameter(value) for name, value in content.get("parameters", {}).items()},
        stage_environment=stage_environment,
    )


def stage_environment_of(root: Path, name: str) -> StageEnvironment:
    """Return what the stage adds to its functions. Without a file it adds only its name."""
    return stage_environment_in(load_if_exists(root, name), name)


def include_of(root: Path, name: str) -> Sequence[str]:
    """Return the patterns of files that the stage packages although other rules leave them out."""
    return tuple(map(str, load_if_exists(root, name).get("include", ())))


def runtime_of(root: Path, name: str) -> str:
    """Return the runtime of the stage's functions, as Lambda names it."""
    return as_parameter(load_if_exists(root, name).get("parameters", {}).get(RUNTIME, DEFAULT_RUNTIME))


def region_of(root: Path, name: str) -> str:
    """Return the region that the stage is deployed to."""
    return region_in(load_if_exists(root, name))


def region_in(content: Mapping[str, Any]) -> str:
    """Return the region that a stage's file names, or else the one of this environment."""
    return content.get("region") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"


def stage_file(root: Path, name: str) -> Path:
    return root / "infra" / f"{name}.json"


def load_if_exists(root: Path, name: str) -> dict[str, Any]:
    """Return the content of a stage's file, empty if there is no file. Raise BadStage if it is invalid."""
    file = stage_file(root, name)
    return load(file) if file.exists() else {}


def load(file: Path) -> dict[str, Any]:
    """Return the content of a stage's file. Raise BadStage if it is unreadable or invalid."""
    try:
        content = json.loads(file.read_text())
    except OSError as exc:
        raise BadStage(
            file, f"It cannot be read ({exc.strerror}).", "Create it with manage.py offload_init."
        ) from exc
    except ValueError as exc:
        raise BadStage(file, f"It is not JSON ({exc}).", "Correct it.") from exc
    if not isinstance(content, dict):
        raise BadStage(file, "It is not a JSON object.", f"Use an object with the keys {', '.join(KEYS)}.")
    unknown = content.keys() - set(KEYS)
    if unknown:
        raise BadStage(file, f"The key '{min(unknown)}' is unknown.", f"Use only: {', '.join(KEYS)}.")
    for key in ("parameters", "environment", "secrets"):
        if not isinstance(content.get(key, {}), dict):
            raise BadStage(file, f"'{key}' is not an object.", 'Write {"NAME": "value"}.')
        check_values(file, key, content.get(key, {}))
    if not isinstance(content.get("region") or "", str):
        raise BadStage(file, "'region' is not text.", 'Write it as in "us-east-1".')
    for key, choices in CHOICES.items():
        value = as_parameter(content.get("parameters", {}).get(key, choices[0]))
        if value not in choices:
            raise BadStage(file, f"The parameter '{key}' is '{value}'.", f"Use one of: {', '.join(choices)}.")
    if not is_list_of_texts(content.get("include", [])):
        raise BadStage(file, "'include' is not a list.", 'Write patterns: ["shop/certificates/*.pem"].')
    for name in OWN_VARIABLES:
        if name in content.get("environment", {}) or name in content.get("secrets", {}):
            raise BadStage(file, f"It names {name}, but every deployment sets that itself.", "Remove it.")
    vpc = content.get("vpc")
    if vpc and not (
        isinstance(vpc, dict)
        and vpc.keys() <= {"subnets", "security_groups"}
        and all(map(is_list_of_texts, vpc.values()))
    ):
        raise BadStage(
            file,
            "'vpc' is neither null nor complete.",
            'Give it "subnets" and "security_groups", each with a list of ids.',
        )
    return content


def stage_environment_in(content: Mapping[str, Any], name: str) -> StageEnvironment:
    """Return what a stage's file adds to every function of the stage."""
    vpc = content.get("vpc")
    return StageEnvironment(
        environment={ENV_STAGE: name, **as_texts(content.get("environment", {}))},
        secrets=as_texts(content.get("secrets", {})),
        vpc=Vpc(subnets=tuple(vpc.get("subnets", ())), security_groups=tuple(vpc.get("security_groups", ())))
        if vpc
        else None,
    )


def as_texts(values: Mapping[str, object]) -> dict[str, str]:
    return {name: as_text(value) for name, value in values.items()}


def as_text(value: object) -> str:
    """Return a value as the text that the environment has: itself, or its JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def as_parameter(value: object) -> str:
    """Return a value as the text that CloudFormation expects of a parameter. A list has commas."""
    return ",".join(map(as_text, value)) if isinstance(value, list) else as_text(value)


def check_values(file: object, key: str, values: Mapping[str, object]) -> None:
    """Raise BadStage if one of these values is null, isn't text, or is an object where none can be."""
    for name, value in values.items():
        if value is None:
            raise BadStage(
                file,
                f"'{name}' in '{key}' is null, which a variable can't be.",
                'Give it a value ("" is empty), or remove it.',
            )
        text = as_text(value)
        if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
            raise BadStage(
                file,
                f"'{name}' in '{key}' has a null character or half a character, which a variable can't have.",
                "Remove it.",
            )
        if key == "parameters" and isinstance(value, dict):
            raise BadStage(file, f"'{name}' in '{key}' is an object.", "Give it a text or a number.")


def is_list_of_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
