"""What the deployed stack tells: the names that its web side and its operators use."""

from typing import TYPE_CHECKING

from .names import BUCKET, TABLE, function_id, logical, queue_id, worker
from .plan import Plan

if TYPE_CHECKING:
    from troposphere import Template


def add_outputs(template: "Template", plan: Plan) -> None:
    from troposphere import Output, Ref

    said: dict[str, tuple[str, str]] = {"TableName": ("Table of the records.", TABLE)}
    if plan.options.bucket is not None:
        said["BucketName"] = ("Bucket of large arguments and results.", BUCKET)
    for name in plan.queues:
        said[f"QueueUrl{logical(name)}"] = (f"URL of the queue '{name}'.", queue_id(name))
        said[f"Worker{logical(name)}"] = (f"Function of the queue '{name}'.", function_id(worker(name)))
    for name, (description, resource) in said.items():
        template.add_output(Output(name, Description=description, Value=Ref(resource)))
