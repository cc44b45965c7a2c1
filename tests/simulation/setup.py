"""TASKS as the simulation needs it: a stack whose messages wait in SQS, and one invoked directly."""

from typing import Any

MODULES = ["tests.simulation.tasks"]
QUEUES = ["default", "bulk"]
SQS, DIRECT = "sim", "sim-direct"
# Of every function, in seconds.
TIMEOUT = 300


def tasks_setting(modules: list[str] = MODULES) -> dict[str, Any]:
    """
    Return TASKS with the aliases "default", "direct", "outbox", "bare" and "trouble".

    "bare" has no record at enqueue, and of "trouble" the sweeper's index lists only tasks in trouble.
    """

    def alias(backend: str, stack: str, **options: Any) -> dict[str, Any]:
        return {
            "BACKEND": f"django_offload.backends.{backend}",
            "QUEUES": QUEUES,
            "OPTIONS": {"stack": stack, "modules": modules, **options},
        }

    return {
        "default": alias("SQSBackend", SQS),
        "direct": alias("LambdaBackend", DIRECT),
        "outbox": alias("SQSBackend", SQS, outbox=True),
        "bare": alias("SQSBackend", SQS, record_at_enqueue=False),
        "trouble": alias("SQSBackend", SQS, queues={name: {"index": "trouble"} for name in QUEUES}),
    }
