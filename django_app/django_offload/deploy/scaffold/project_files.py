"""The files that deploying a project needs: lambdas/, infra/ and zappa_settings.json."""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ...stack import template_of
from ...stack.layout import HANDLERS, Layout
from ...stack.parameters import RUNTIME
from ..likely_credentials import looks_secret
from ..stage import stage_file
from ..variables import lines_to_add, web_variables
from ..zappa_settings import merged_settings
from .file_change import FileChange, read_text
from .runtime import function_runtime, runtime_note
from .zappa import REGION, zappa_file, zappa_stages

# The settings that the shipped handlers fall back to. They are those of the reference site.
_SHIPPED_SETTINGS = "config.settings"
# The stages of a project without Zappa, with the template's parameters that usually differ.
STAGES = {"dev": {"LogRetentionDays": "7"}, "prod": {"LogRetentionDays": "90"}}
# The beginning of a generated template, which the command may replace.
GENERATED = "# Generated from TASKS"
# The line of a template that names its stack.
DESCRIPTION = re.compile(r"^Description: .* stack (?P<stack>[a-z0-9-]+)\.$", re.MULTILINE)


def project_files(layout: Layout, stack: str) -> list[FileChange]:
    """Return every file that deploying the project's tasks needs, as it is and as it should be."""
    return [*lambda_files(layout), *infra_files(layout, stack), zappa_file(layout, stack)]


def lambda_files(layout: Layout) -> list[FileChange]:
    """Return the handlers that AWS invokes, with the project's settings."""
    changes = []
    for handler in sorted((HANDLERS / "lambdas").glob("*.py")):
        path = layout.root / "lambdas" / handler.name
        text = handler.read_text(encoding="utf-8").replace(_SHIPPED_SETTINGS, layout.settings_module)
        changes.append(FileChange(path=path, before=read_text(path), after=text))
    return changes


def infra_files(layout: Layout, stack: str) -> list[FileChange]:
    """
    Return the template, then a file for each stage. A stage's file that exists isn't changed.

    If Zappa already deploys the site, these are Zappa's stages. Other projects get two stages.
    """
    path = layout.root / "infra" / "template.yaml"
    before = read_text(path)
    generated = before is not None and before.startswith(GENERATED)
    changes = [FileChange(path=path, before=before, after=template_of(stack), generated=generated)]
    zappa = zappa_stages(layout)
    for stage in zappa or STAGES:
        content = stage_content(STAGES.get(stage, {}), merged_settings(zappa, stage) if zappa else {})
        path = stage_file(layout.root, stage)
        before = read_text(path)
        after = json.dumps(content, indent=4) + "\n" if before is None else before
        changes.append(FileChange(path=path, before=before, after=after))
    return changes


def is_of_another_stack(change: FileChange) -> bool:
    """Return True if a file is a generated template, of a stack with another name than it should be."""
    before, after = (DESCRIPTION.search(text or "") for text in (change.before, change.after))
    return bool(change.generated and before and after and before["stack"] != after["stack"])


def stage_content(parameters: Mapping[str, str], settings: Mapping[str, Any]) -> dict[str, object]:
    """Return a new stage's file, with the region, network and variables of Zappa's settings, if any."""
    network = settings.get("vpc_config") or {}
    vpc = {"subnets": network.get("SubnetIds", []), "security_groups": network.get("SecurityGroupIds", [])}
    return {
        "region": settings.get("aws_region") or os.environ.get("AWS_DEFAULT_REGION", REGION),
        "parameters": {**parameters, RUNTIME: function_runtime(settings)},
        "environment": {
            name: value for name, value in web_variables(settings).items() if not looks_secret(name, value)
        },
        "secrets": {},
        "vpc": vpc if network else None,
        "include": [],
    }


def notes(layout: Layout, changes: Iterable[FileChange]) -> Iterator[str]:
    """Yield what the user should know about the new stages: an unsupported Python, secrets left out."""
    folder = layout.root / "infra"
    written = [change.path.stem for change in changes if change.path.match(f"{folder}/*.json")]
    zappa = zappa_stages(layout)
    settings_by_stage = {stage: merged_settings(zappa, stage) if stage in zappa else {} for stage in written}
    runtimes = dict.fromkeys(map(function_runtime, settings_by_stage.values()))
    yield from filter(None, map(runtime_note, runtimes))
    for stage, settings in settings_by_stage.items():
        variables = web_variables(settings)
        secret = {name: value for name, value in variables.items() if looks_secret(name, value)}
        if secret:
            yield (
                f"infra/{stage}.json leaves out variables that look like secrets: "
                f"{', '.join(sorted(secret))}. Store each value in Systems Manager, and add its name there "
                f"to that file: {lines_to_add(secret, stage)}."
            )
