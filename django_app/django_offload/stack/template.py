"""The CloudFormation template as text."""

import json
import os
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings

from ..conf import Options
from ..exceptions import ConfigurationError
from .plan import Plan, unite
from .stage_environment import NO_SURROUNDINGS, Surroundings

if TYPE_CHECKING:
    from troposphere import Template

_HEAD = """\
# Generated from TASKS by: manage.py offload_template
# Do not edit: change the settings, then run it again with --output and this file.
"""
_SECTIONS = (
    *("AWSTemplateFormatVersion", "Description", "Parameters", "Mappings"),
    *("Conditions", "Resources", "Outputs"),
)


def build(
    options: Sequence[Options],
    *,
    attempts: Mapping[str, int] | None = None,
    result_ttl: timedelta = timedelta(0),
    settings_module: str | None = None,
    surroundings: Surroundings = NO_SURROUNDINGS,
    as_json: bool = False,
) -> str:
    """
    Return the template of the one stack that all `options` share, the same text for the same input.

    `attempts` is the largest max_attempts of any task, by queue; `result_ttl` the longest of any
    task. Raise ConfigurationError if two aliases contradict each other, or if troposphere is not
    installed.
    """
    plan = unite(
        options,
        attempts=attempts or {},
        settings_module=settings_module or _settings_module(),
        result_ttl=result_ttl,
        surroundings=surroundings,
    )
    document = _ordered(_template(plan))
    if as_json:
        return json.dumps(document, indent=2) + "\n"

    import cfn_flip  # type: ignore[import-untyped]

    return _HEAD + str(cfn_flip.to_yaml(json.dumps(document)))


def _template(plan: Plan) -> "Template":
    try:
        from troposphere import Template
    except ImportError as exc:
        raise ConfigurationError(
            plan.options.alias,
            "The template of its stack is made with troposphere, which is not installed.",
            'Install it: pip install "django-offload[deploy]".',
        ) from exc

    template = Template(Description=f"Queues, workers and records of the django-offload stack {plan.stack}.")
    template.set_version("2010-09-09")
    _fill(template, plan)
    return template


def _fill(template: "Template", plan: Plan) -> None:
    from . import (
        alarms,
        async_invocation,
        dashboard,
        functions,
        mappings,
        outputs,
        parameters,
        queues,
        roles,
        schedules,
        storage,
        web,
    )

    parameters.add_parameters(template, plan)
    parameters.add_conditions(template)
    storage.add_storage(template, plan)
    queues.add_queues(template, plan)
    functions.add_functions(template, plan)
    web.add_web(template, plan)
    roles.add_roles(template, plan)
    mappings.add_mappings(template, plan)
    mappings.add_schedule(template, plan)
    async_invocation.add_event_limits(template, plan)
    schedules.add_schedules(template, plan)
    alarms.add_alarms(template, plan)
    dashboard.add_dashboard(template, plan)
    outputs.add_outputs(template, plan)


def _ordered(template: "Template") -> dict[str, Any]:
    """Return the template's sections in the order AWS documents them, each resource's type first."""
    found: dict[str, Any] = json.loads(template.to_json(sort_keys=False))
    found["Resources"] = {
        name: {"Type": resource["Type"], **resource} for name, resource in found["Resources"].items()
    }
    return {section: found[section] for section in _SECTIONS if section in found}


def _settings_module() -> str | None:
    return os.environ.get("DJANGO_SETTINGS_MODULE") or getattr(settings, "SETTINGS_MODULE", None)
