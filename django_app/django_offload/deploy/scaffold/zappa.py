"""Add the settings that the web side needs to zappa_settings.json."""

import json
import os
import re
from typing import Any

from ...exceptions import ConfigurationError
from ...stack.layout import TASK_ROOT, Layout
from ..zappa_settings import EXCLUDE, FILE, slug, web_function
from .file_change import FileChange, read_text
from .runtime import function_runtime

STAGE, REGION = "dev", "us-east-1"
VARIABLES = "aws_environment_variables"
INDENT = 4


def zappa_file(layout: Layout, stack: str) -> FileChange:
    """
    Return zappa_settings.json with the settings that every stage's web side needs.

    Existing settings stay as they are, but the modules' path comes first in PYTHONPATH. Raise
    ConfigurationError if the file is not JSON, or if the settings are in another format.
    """
    path = layout.root / FILE
    before = read_text(path)
    if before is None:
        for ending in ("toml", "yml", "yaml"):
            other = path.with_suffix(f".{ending}")
            if other.exists():
                raise ConfigurationError(
                    "default",
                    f"This site's Zappa settings are in {other.name}. Zappa would no longer read that file.",
                    f"Convert it to {FILE}, then try again.",
                )
        stages = {STAGE: {**new_stage(layout, stack), **required_settings(layout), "exclude": list(EXCLUDE)}}
        return FileChange(path=path, before=None, after=as_json(stages))
    stages = parse_stages(before)
    for stage in stages.values():
        if "extends" not in stage:
            add_missing(stage, required_settings(layout))
        elif VARIABLES in stage:
            # A stage inherits every setting of the stage that it extends. But its own variables replace
            # the inherited ones.
            variables = required_settings(layout).get(VARIABLES)
            add_missing(stage, {} if variables is None else {VARIABLES: variables})
    after = before if stages == parse_stages(before) else as_json(stages, like=before)
    return FileChange(path=path, before=before, after=after, merged=True)


def zappa_stages(layout: Layout) -> dict[str, dict[str, Any]]:
    """Return the settings of each stage, empty if there is no file. Raise as zappa_file() does."""
    text = read_text(layout.root / FILE)
    return {} if text is None else parse_stages(text)


def new_stage(layout: Layout, stack: str) -> dict[str, Any]:
    """Return a stage for a project that was never deployed."""
    name = f"{(slug(layout.root.name) or 'site').removesuffix('-web')}-web"
    # Zappa's own stack gets the name of project and stage. It must not replace our stack.
    if web_function({"project_name": name}, STAGE) == stack:
        name = f"{name}-site"
    return {
        "project_name": name,
        "django_settings": layout.settings_module,
        "runtime": function_runtime(),
        "aws_region": os.environ.get("AWS_DEFAULT_REGION", REGION),
        "s3_bucket": f"{stack}-zappa",
        "apigateway_enabled": False,
        "function_url_enabled": True,
        "function_url_config": {"authorizer": "NONE", "cors": False},
        "timeout_seconds": 30,
        "touch": False,
    }


def required_settings(layout: Layout) -> dict[str, Any]:
    """Return the settings of every stage: our handler, the stack's role, no events, the path."""
    settings: dict[str, Any] = {
        "lambda_handler": "lambdas.web.handler",
        "manage_roles": False,
        "keep_warm": False,
        "log_level": "INFO",
    }
    if layout.python_path != TASK_ROOT:
        settings[VARIABLES] = {"PYTHONPATH": layout.python_path}
    return settings


def add_missing(stage: dict[str, Any], required: dict[str, Any]) -> None:
    """Add the settings that a stage lacks, and put the modules' path first in its PYTHONPATH."""
    python_path = required.pop(VARIABLES, {}).get("PYTHONPATH")
    for key, value in required.items():
        stage.setdefault(key, value)
    if python_path is not None:
        variables = stage.setdefault(VARIABLES, {})
        paths = variables.get("PYTHONPATH", "").split(":")
        if python_path not in paths:
            variables["PYTHONPATH"] = ":".join(filter(None, [python_path, *paths]))


def parse_stages(text: str) -> dict[str, Any]:
    """Return the stages in the text of the file. Raise ConfigurationError if it has none."""
    try:
        stages = json.loads(text)
    except ValueError as exc:
        raise ConfigurationError(
            "default", f"{FILE} is not JSON ({exc}).", "Correct it, then try again."
        ) from exc
    if not isinstance(stages, dict) or not all(isinstance(stage, dict) for stage in stages.values()):
        raise ConfigurationError(
            "default", f"{FILE} is not an object of stages.", "Correct it, then try again."
        )
    return stages


def as_json(stages: dict[str, Any], *, like: str | None = None) -> str:
    """Return the stages as JSON, with the indent, line endings and last line of the text `like`."""
    indent = re.search(r"^([ \t]+)\"", like, re.MULTILINE) if like else None
    text = json.dumps(stages, indent=indent[1] if indent else INDENT, ensure_ascii=False)
    if like is None or like.endswith("\n"):
        text += "\n"
    return text.replace("\n", "\r\n") if like and "\r\n" in like else text
