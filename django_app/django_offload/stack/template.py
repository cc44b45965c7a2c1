"""Build the CloudFormation template of a stack as text."""

import json
import os
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings

from ..conf import ENV_QUEUE_URLS, Options, aws_limits
from ..exceptions import ConfigurationError
from .names import BUCKET, TABLE, WEB, function_id, logical, queue_id, role_id, worker
from .spec import StackSpec, merge_options
from .stage_environment import NO_STAGE_ENVIRONMENT, StageEnvironment
from .template_limits import SMALLER

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


def build_template(
    aliases: Sequence[Options],
    *,
    attempts: Mapping[str, int] | None = None,
    result_ttl: timedelta = timedelta(0),
    settings_module: str | None = None,
    stage_environment: StageEnvironment = NO_STAGE_ENVIRONMENT,
    as_json: bool = False,
) -> str:
    """
    Return the template of the stack that all `aliases` share. The same input gives the same text.

    `attempts` is, for each queue, the largest max_attempts of its tasks. `result_ttl` is the longest of any
    task. Raise ConfigurationError if two aliases contradict each other, or if troposphere isn't installed.
    """
    spec = merge_options(
        aliases,
        attempts=attempts or {},
        settings_module=settings_module
        or os.environ.get("DJANGO_SETTINGS_MODULE")
        or getattr(settings, "SETTINGS_MODULE", None),
        result_ttl=result_ttl,
        stage_environment=stage_environment,
    )
    # The sections are in the order of AWS's documentation, and each resource starts with its type.
    content: dict[str, Any] = json.loads(complete_template(spec).to_json(sort_keys=False))
    content["Resources"] = {
        name: {"Type": resource["Type"], **resource} for name, resource in content["Resources"].items()
    }
    document = {section: content[section] for section in _SECTIONS if section in content}
    if as_json:
        return json.dumps(document, indent=2) + "\n"

    import cfn_flip  # type: ignore[import-untyped]

    text = _HEAD + str(cfn_flip.to_yaml(json.dumps(document)))
    if len(text.encode()) > aws_limits.TEMPLATE_BYTES:
        raise ConfigurationError(
            spec.options.alias,
            f"The template of the stack '{spec.stack}' has {len(text.encode()):,} bytes, and CloudFormation "
            f"takes {aws_limits.TEMPLATE_BYTES:,}.",
            SMALLER,
        )
    return text


def read_template(text: str) -> dict[str, Any]:
    """Return the content of a template that build_template() made."""
    import cfn_flip

    template: dict[str, Any] = json.loads(cfn_flip.to_json(text))
    return template


def complete_template(spec: StackSpec) -> "Template":
    """Return the template with everything that the stack contains."""
    try:
        from troposphere import Template
    except ImportError as exc:
        raise ConfigurationError(
            spec.options.alias,
            "The stack's template is built with troposphere, which isn't installed.",
            'Install it: pip install "django-offload[deploy]".',
        ) from exc
    from . import alarms, dashboard, functions, parameters, queues, roles, schedules, storage, triggers

    template = Template(Description=f"Queues, workers and records of the django-offload stack {spec.stack}.")
    template.set_version("2010-09-09")
    parameters.add_parameters(template, spec)
    parameters.add_conditions(template)
    storage.add_storage(template, spec)
    queues.add_queues(template, spec)
    functions.add_functions(template, spec)
    functions.add_web_log_group(template, spec)
    roles.add_roles(template, spec)
    triggers.add_mappings(template, spec)
    triggers.add_sweeper_schedule(template, spec)
    triggers.add_event_limits(template, spec)
    schedules.add_schedules(template, spec)
    alarms.add_alarms(template, spec)
    dashboard.add_dashboard(template, spec)
    add_outputs(template, spec, functions.environment_variables(spec)[ENV_QUEUE_URLS])
    return template


def add_outputs(template: "Template", spec: StackSpec, queue_urls: object) -> None:
    """Add the names that the stack's web side and its operators need."""
    from troposphere import GetAtt, Output, Ref

    outputs: dict[str, tuple[str, object]] = {
        "StackName": ("Value of OFFLOAD_STACK, for the web function.", spec.stack),
        "TableName": ("Table of the records.", Ref(TABLE)),
        "WebRoleArn": (
            "Role of the web function: role_arn in Zappa's settings.",
            GetAtt(role_id(WEB), "Arn"),
        ),
    }
    if spec.options.bucket is not None:
        outputs["BucketName"] = ("Bucket of large arguments and results: OFFLOAD_BUCKET.", Ref(BUCKET))
    for name in spec.queues:
        outputs[f"QueueUrl{logical(name)}"] = (f"URL of the queue '{name}'.", Ref(queue_id(name)))
        outputs[f"Worker{logical(name)}"] = (
            f"Function of the queue '{name}'.",
            Ref(function_id(worker(name))),
        )
    outputs["QueueUrls"] = ("URL of each queue: OFFLOAD_QUEUE_URLS.", queue_urls)
    for name, (description, value) in outputs.items():
        template.add_output(Output(name, Description=description, Value=value))
