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
