"""The functions, each with its log group: a worker per queue, dead letters, the sweeper, migrations."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..conf import (
    ENV_ALIAS,
    ENV_BUCKET,
    ENV_QUEUE_URLS,
    ENV_RELEASE,
    ENV_SECRETS,
    ENV_SHARDS,
    ENV_STACK,
    ENV_WRITES,
    WRITES_BY_UPDATE,
)
from ..worker.sweep_event import SHARDS_ALIAS
from . import limits
from .layout import python_path
from .names import (
    BUCKET,
    DEAD_LETTER,
    MIGRATE,
    SHARDS_ALIAS_ID,
    SWEEPER,
    WEB,
    function_id,
    log_group_id,
    queue_id,
    role_id,
    worker,
)
from .parameters import (
    ARCHITECTURE,
    CODE_BUCKET,
    CODE_KEY,
    KMS_KEY,
    LOG_RETENTION,
    RELEASE,
    RUNTIME,
    SNAP_START,
    SNAPS,
    WEB_FUNCTION,
    if_on_aws,
    memory_parameter,
    timeout_parameter,
    with_own_key,
)
from .spec import StackSpec
from .versions import LIVE, add_alias, add_version

if TYPE_CHECKING:
    from troposphere import Template


def add_functions(template: "Template", spec: StackSpec) -> None:
    from troposphere import Ref

    for queue_name in spec.queues:
        timeout, memory = timeout_parameter(queue_name), memory_parameter(queue_name)
        # Lambda's loop detection would stop tasks that enqueue tasks. The message's depth stops endless ones.
        size = {"Timeout": Ref(timeout), "MemorySize": Ref(memory), "RecursiveLoop": "Allow"}
        # Runs the tasks of its queue.
        add_function(template, spec, worker(queue_name), "worker", size, [timeout, memory])
    size = {"Timeout": limits.seconds(limits.SERVICE_TIMEOUT), "MemorySize": limits.SERVICE_MEMORY}
    # Writes on the record of a dead letter why the task was given up.
    add_function(template, spec, DEAD_LETTER, "dead_letter", size, [])
    # Lambda's loop detection stops an event that has led to 16 invocations of a function. Here it is at most
    # one of its rule and eight of itself:
    # https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
    size = {"Timeout": limits.seconds(limits.SERVICE_TIMEOUT), "MemorySize": limits.SWEEPER_MEMORY}
    # Sends lost tasks again each minute, and enqueues scheduled tasks.
    add_function(template, spec, SWEEPER, "sweeper", size, [])
    # Is the alias `shards`, by which the sweeper invokes itself for a part of a backlog.
    add_alias(template, SWEEPER, SHARDS_ALIAS_ID, SHARDS_ALIAS)
    size = {"Timeout": limits.seconds(limits.MIGRATION_TIMEOUT), "MemorySize": limits.MIGRATION_MEMORY}
    # Migrates the database during a deployment.
    add_function(template, spec, MIGRATE, "migrate", size, None)


def add_function(
    template: "Template",
    spec: StackSpec,
    role: str,
    module: str,
    size: Mapping[str, object],
    size_parameters: list[str] | None,
) -> None:
    """
    Add a function with its log group, its published version and the alias by which it is invoked.

    `size_parameters` are the parameters that `size` refers to. None means that only a deployment invokes
    the function, so that it needs neither version nor alias.
    """
    from troposphere import GetAtt, If, Ref, awslambda

    function_name = spec.options.function(role)
    add_log_group(template, role, f"/aws/lambda/{function_name}")
    properties: dict[str, object] = {}
    if size_parameters is not None:
        properties["SnapStart"] = awslambda.SnapStart(ApplyOn=If(SNAPS, "PublishedVersions", "None"))
    properties |= size
    if spec.vpc is not None:
        properties["VpcConfig"] = awslambda.VPCConfig(
            SubnetIds=list(spec.vpc.subnets), SecurityGroupIds=list(spec.vpc.security_groups)
        )
    function = awslambda.Function(
        function_id(role),
        FunctionName=function_name,
        Handler=f"lambdas.{module}.handler",
        Runtime=Ref(RUNTIME),
        Architectures=[Ref(ARCHITECTURE)],
        Code=awslambda.Code(S3Bucket=Ref(CODE_BUCKET), S3Key=Ref(CODE_KEY)),
        Role=GetAtt(role_id(role), "Arn"),
        LoggingConfig=awslambda.LoggingConfig(LogGroup=Ref(log_group_id(role))),
        Environment=awslambda.Environment(Variables=environment_variables(spec)),
        KmsKeyArn=with_own_key(Ref(KMS_KEY)),
        **properties,
    )
    template.add_resource(function)
    if size_parameters is not None:
        version_parameters = [CODE_KEY, RELEASE, KMS_KEY, ARCHITECTURE, RUNTIME, SNAP_START, *size_parameters]
        add_version(template, role, function, version_parameters)


def add_log_group(template: "Template", role: str, name: object, **attributes: object) -> None:
    from troposphere import Ref, logs

    # Keeps the log of a function for LogRetentionDays.
    template.add_resource(
        logs.LogGroup(
            log_group_id(role),
            LogGroupName=name,
            RetentionInDays=Ref(LOG_RETENTION),
            KmsKeyId=with_own_key(Ref(KMS_KEY)),
            **attributes,
        )
    )


def add_web_log_group(template: "Template", spec: StackSpec) -> None:
    """Add the log group of the web function. The function itself is deployed by Zappa."""
    from troposphere import Sub

    function_name = f"${{{WEB_FUNCTION}}}" if spec.target is None else spec.target.web_function
    log_name = f"/aws/lambda/{function_name}"
    # If Zappa deployed the site before, the log exists. The stack imports it, and never deletes it.
    retention = {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}
    add_log_group(template, WEB, Sub(log_name) if spec.target is None else log_name, **retention)


def environment_variables(spec: StackSpec) -> dict[str, object]:
    """Return a function's variables: facts it would otherwise ask AWS for, and those of the stage."""
    from troposphere import NoValue, Ref, Sub

    urls = ",".join(f'"{name}":"${{{queue_id(name)}}}"' for name in spec.queues)
    variables: dict[str, object] = {"PYTHONPATH": python_path()}
    if spec.settings_module:
        variables["DJANGO_SETTINGS_MODULE"] = spec.settings_module
    variables[ENV_STACK] = spec.stack
    variables[ENV_QUEUE_URLS] = Sub(f"{{{urls}}}")
    if spec.options.bucket is not None:
        variables[ENV_BUCKET] = Ref(BUCKET)
    variables[ENV_ALIAS] = if_on_aws(LIVE, NoValue)
    variables[ENV_RELEASE] = Ref(RELEASE)
    variables[ENV_WRITES] = WRITES_BY_UPDATE
    variables[ENV_SHARDS] = spec.written_and_read_shards
    if spec.secrets:
        variables[ENV_SECRETS] = json.dumps(dict(sorted(spec.secrets.items())), separators=(",", ":"))
    return {**variables, **spec.environment}
