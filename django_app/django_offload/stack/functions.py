"""The functions: a worker per queue, one for all dead letters, the sweeper; each with its log group."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..conf import (
    ENV_ALIAS,
    ENV_BUCKET,
    ENV_QUEUE_URLS,
    ENV_RELEASE,
    ENV_SECRETS,
    ENV_STACK,
    ENV_WRITES,
    WRITES_BY_UPDATE,
)
from . import limits
from .layout import python_path
from .names import BUCKET, DEAD_LETTER, MIGRATE, SWEEPER, function_id, log_group_id, queue_id, role_id, worker
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
    if_on_aws,
    memory,
    timeout,
    with_own_key,
)
from .plan import Plan
from .versions import LIVE, add_version

if TYPE_CHECKING:
    from troposphere import Template


def add_functions(template: "Template", plan: Plan) -> None:
    from troposphere import Ref

    for name in plan.queues:
        # Tasks may enqueue tasks; runaways are stopped by the depth in the message instead.
        size = {
            "Timeout": Ref(timeout(name)),
            "MemorySize": Ref(memory(name)),
            "RecursiveLoop": "Allow",
        }
        _add_function(template, plan, worker(name), "worker", size, [timeout(name), memory(name)])
    for role, module in {DEAD_LETTER: "dead_letter", SWEEPER: "sweeper"}.items():
        size = {"Timeout": limits.seconds(limits.SERVICE_TIMEOUT), "MemorySize": limits.SERVICE_MEMORY}
        _add_function(template, plan, role, module, size, [])
    size = {"Timeout": limits.seconds(limits.MIGRATION_TIMEOUT), "MemorySize": limits.MIGRATION_MEMORY}
    _add_function(template, plan, MIGRATE, "migrate", size, None)


def add_log_group(template: "Template", role: str, name: object, **more: object) -> None:
    from troposphere import Ref, logs

    template.add_resource(
        logs.LogGroup(
            log_group_id(role),
            LogGroupName=name,
            RetentionInDays=Ref(LOG_RETENTION),
            KmsKeyId=with_own_key(Ref(KMS_KEY)),
            **more,
        )
    )


def _add_function(
    template: "Template",
    plan: Plan,
    role: str,
    module: str,
    size: Mapping[str, object],
    sizes: list[str] | None,
) -> None:
    """
    Add a function with its log group, and the version and alias by which it is invoked.

    `sizes` are the parameters in its `size`; None for a function that is invoked as it is, by who deploys.
    """
    from troposphere import GetAtt, If, Ref, awslambda

    name = plan.options.function(role)
    add_log_group(template, role, f"/aws/lambda/{name}")
    snapped = awslambda.SnapStart(ApplyOn=If(SNAPS, "PublishedVersions", "None"))
    function = awslambda.Function(
        function_id(role),
        FunctionName=name,
        Handler=f"lambdas.{module}.handler",
        Runtime=Ref(RUNTIME),
        Architectures=[Ref(ARCHITECTURE)],
        Code=awslambda.Code(S3Bucket=Ref(CODE_BUCKET), S3Key=Ref(CODE_KEY)),
        Role=GetAtt(role_id(role), "Arn"),
        LoggingConfig=awslambda.LoggingConfig(LogGroup=Ref(log_group_id(role))),
        Environment=awslambda.Environment(Variables=environment(plan)),
        KmsKeyArn=with_own_key(Ref(KMS_KEY)),
        **({} if sizes is None else {"SnapStart": snapped}),
        **size,
        **_network(plan),
    )
    template.add_resource(function)
    if sizes is not None:
        given = [CODE_KEY, RELEASE, KMS_KEY, ARCHITECTURE, RUNTIME, SNAP_START, *sizes]
        add_version(template, role, function, given)


def environment(plan: Plan) -> dict[str, object]:
    """Return what a function would else have to ask AWS for, where its modules are, and its stage's own."""
    from troposphere import NoValue, Ref, Sub

    urls = ",".join(f'"{name}":"${{{queue_id(name)}}}"' for name in plan.queues)
    variables: dict[str, object] = {"PYTHONPATH": python_path()}
    if plan.settings_module:
        variables["DJANGO_SETTINGS_MODULE"] = plan.settings_module
    variables[ENV_STACK] = plan.stack
    variables[ENV_QUEUE_URLS] = Sub(f"{{{urls}}}")
    if plan.options.bucket is not None:
        variables[ENV_BUCKET] = Ref(BUCKET)
    variables[ENV_ALIAS] = if_on_aws(LIVE, NoValue)
    variables[ENV_RELEASE] = Ref(RELEASE)
    variables[ENV_WRITES] = WRITES_BY_UPDATE
    if plan.secrets:
        variables[ENV_SECRETS] = json.dumps(dict(sorted(plan.secrets.items())), separators=(",", ":"))
    return {**variables, **plan.environment}


def _network(plan: Plan) -> dict[str, object]:
    from troposphere import awslambda

    if plan.vpc is None:
        return {}
    vpc = awslambda.VPCConfig(
        SubnetIds=list(plan.vpc.subnets), SecurityGroupIds=list(plan.vpc.security_groups)
    )
    return {"VpcConfig": vpc}
