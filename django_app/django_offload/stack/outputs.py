"""What the deployed stack tells: the names that its web side and its operators use."""

from typing import TYPE_CHECKING

from ..conf import ENV_QUEUE_URLS
from .functions import environment
from .names import BUCKET, TABLE, WEB, function_id, logical, queue_id, role_id, worker
from .plan import Plan

if TYPE_CHECKING:
    from troposphere import Template

WEB_ROLE = "WebRoleArn"


def add_outputs(template: "Template", plan: Plan) -> None:
    from troposphere import GetAtt, Output, Ref

    said: dict[str, tuple[str, object]] = {
        "StackName": ("Value of OFFLOAD_STACK, for the web function.", plan.stack),
        "TableName": ("Table of the records.", Ref(TABLE)),
        WEB_ROLE: ("Role of the web function: role_arn in Zappa's settings.", GetAtt(role_id(WEB), "Arn")),
    }
    if plan.options.bucket is not None:
        said["BucketName"] = ("Bucket of large arguments and results: OFFLOAD_BUCKET.", Ref(BUCKET))
    for name in plan.queues:
        said[f"QueueUrl{logical(name)}"] = (f"URL of the queue '{name}'.", Ref(queue_id(name)))
        said[f"Worker{logical(name)}"] = (f"Function of the queue '{name}'.", Ref(function_id(worker(name))))
    variables = environment(plan)
    said["QueueUrls"] = ("URL of each queue: OFFLOAD_QUEUE_URLS.", variables[ENV_QUEUE_URLS])
    for name, (description, value) in said.items():
        template.add_output(Output(name, Description=description, Value=value))
