"""The functions: a worker per queue, one for all dead letters, the sweeper; each with its log group."""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from ..conf import ENV_BUCKET, ENV_QUEUE_URLS, ENV_STACK
from . import limits
from .names import BUCKET, DEAD_LETTER, SWEEPER, function_id, log_group_id, queue_id, role_id, worker
from .parameters import ARCHITECTURE, CODE_BUCKET, CODE_KEY, LOG_RETENTION
from .plan import Plan

if TYPE_CHECKING:
    from troposphere import Template

RUNTIME = "python3.13"


def add_functions(template: "Template", plan: Plan) -> None:
    for name, queue in plan.queues.items():
        # Tasks may enqueue tasks; runaways are stopped by the depth in the message instead.
        loops = {"RecursiveLoop": "Allow"}
        _add_function(template, plan, worker(name), "worker", queue.timeout, queue.memory, loops)
    for role, module in {DEAD_LETTER: "dead_letter", SWEEPER: "sweeper"}.items():
        _add_function(template, plan, role, module, limits.SERVICE_TIMEOUT, limits.SERVICE_MEMORY, {})


def _add_function(
    template: "Template",
    plan: Plan,
    role: str,
    module: str,
    timeout: timedelta,
    memory: int,
    more: Mapping[str, str],
) -> None:
    from troposphere import GetAtt, Ref, awslambda, logs

    name = plan.options.function(role)
    template.add_resource(
        logs.LogGroup(
            log_group_id(role), LogGroupName=f"/aws/lambda/{name}", RetentionInDays=Ref(LOG_RETENTION)
        )
    )
    template.add_resource(
        awslambda.Function(
            function_id(role),
            FunctionName=name,
            Handler=f"lambdas.{module}.handler",
            Runtime=RUNTIME,
            Architectures=[Ref(ARCHITECTURE)],
            Code=awslambda.Code(S3Bucket=Ref(CODE_BUCKET), S3Key=Ref(CODE_KEY)),
            Timeout=limits.seconds(timeout),
            MemorySize=memory,
            Role=GetAtt(role_id(role), "Arn"),
            LoggingConfig=awslambda.LoggingConfig(LogGroup=Ref(log_group_id(role))),
            Environment=awslambda.Environment(Variables=_environment(plan)),
            **more,
        )
    )


def _environment(plan: Plan) -> dict[str, object]:
    """Return what a function would otherwise have to ask AWS for, and where its modules are."""
    from troposphere import Ref, Sub

    urls = ",".join(f'"{name}":"${{{queue_id(name)}}}"' for name in plan.queues)
    variables: dict[str, object] = {"PYTHONPATH": "/var/task/django_app"}
    if plan.settings_module:
        variables["DJANGO_SETTINGS_MODULE"] = plan.settings_module
    variables[ENV_STACK] = plan.stack
    variables[ENV_QUEUE_URLS] = Sub(f"{{{urls}}}")
    if plan.options.bucket is not None:
        variables[ENV_BUCKET] = Ref(BUCKET)
    return variables
