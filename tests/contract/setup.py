"""The setting TASKS for the contracts."""

from typing import Any

TASK_MODULES = ["tests.contract.tasks"]
STACK = "contract"
OTHER = {"SQSBackend": "LambdaBackend", "LambdaBackend": "SQSBackend"}


def tasks_setting(backend: str = "SQSBackend", *, modules: list[str], **options: Any) -> dict[str, Any]:
    """Return TASKS with this backend as "default", and the other one as "other"."""

    def alias(name: str) -> dict[str, Any]:
        return {
            "BACKEND": f"django_offload.backends.{name}",
            "QUEUES": ["default", "reports"],
            "OPTIONS": {"stack": STACK, "modules": modules, **options},
        }

    return {"default": alias(backend), "other": alias(OTHER[backend])}


def lose_messages(site: Any) -> None:
    """Lose every message of the queue `default`. The site is the fixture `offload` or `offload_aws`."""
    if hasattr(site, "transports"):
        site.transports[STACK].queues["default"].messages.clear()
    else:
        sqs = site.client("sqs")
        sqs.purge_queue(QueueUrl=sqs.get_queue_url(QueueName=f"{STACK}-default")["QueueUrl"])
