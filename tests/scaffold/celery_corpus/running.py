"""Cases inside a running task."""

from .case import Case


def bound(body: str, head: str = "") -> str:
    """Return a module with a bound task of this body."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    return f"from celery import shared_task\n{head}\n\n@shared_task(bind=True)  #: @ & bind=True\ndef fee(self, order):\n{lines}\n"


def caught(error: str, module: str, idiom: str) -> str:
    """Return a module that catches an error."""
    return (
        f"from {module} import {error}\n\n\ndef fee():\n    try:\n        work()\n"
        f"    except {error}:  #: {idiom}\n        pass\n"
    )


CASES = (
    Case(
        "self.retry()",
        "backoff=lambda attempt: 60 * 2 ** (attempt - 1)",
        bound(
            "try:\n    work()\nexcept OSError as exc:\n"
            "    raise self.retry(exc=exc, countdown=60 * 2 ** self.request.retries)"
            "  #: self.retry() & self.request.retries"
        ),
    ),
    Case(
        "self.retry() with other arguments",
        "Enqueue the task with the new ones",
        bound("self.retry(args=[order + 1])  #: self.retry() & self.retry() with other arguments"),
    ),
    Case(
        "self.retry() with limits, a queue or throw=False",
        "for all its attempts",
        bound(
            "self.retry(max_retries=9, throw=False)"
            "  #: self.retry() & self.retry() with limits, a queue or throw=False"
        ),
    ),
    Case(
        "self.update_state()",
        "context.progress(done, total, message)",
        bound('self.update_state(state="PROGRESS", meta={"done": 1})  #: self.update_state()'),
    ),
    Case(
        "self.request.id",
        "context.task_result.id",
        bound("return self.request.id  #: self.request.id"),
    ),
    Case(
        "self.request.retries",
        "context.attempt - 1",
        bound(
            "request = self.request  #: self.request.headers and other attributes of a request\n"
            "return request.retries  #: self.request.retries"
        ),
    ),
    Case(
        "self.request.args, self.request.kwargs",
        "context.task_result.args",
        bound("return self.request.args  #: self.request.args, self.request.kwargs"),
    ),
    Case(
        "self.name, self.request.task",
        "context.task_result.task.module_path",
        bound("return self.name  #: self.name, self.request.task"),
    ),
    Case(
        "self.request.delivery_info",
        "context.task_result.task.queue_name",
        bound('return self.request.delivery_info["routing_key"]  #: self.request.delivery_info'),
    ),
    Case(
        "self.request.hostname",
        "worker_ids[-1]",
        bound("return self.request.hostname  #: self.request.hostname"),
    ),
    Case(
        "self.request.is_eager, called_directly",
        'context.task_result.id == "local"',
        bound("return self.request.called_directly  #: self.request.is_eager, called_directly"),
    ),
    Case(
        "self.request.eta, expires, timelimit",
        "context.remaining",
        bound("return self.request.eta  #: self.request.eta, expires, timelimit"),
    ),
    Case(
        "self.request.parent_id, root_id, group, chord",
        "Pass the id that it needs",
        bound("return self.request.root_id  #: self.request.parent_id, root_id, group, chord"),
    ),
    Case(
        "self.request.headers and other attributes of a request",
        "idempotency_key",
        bound('return self.request.headers["x"]  #: self.request.headers and other attributes of a request'),
    ),
    Case(
        "current_task, self as a value",
        "take the context",
        bound(
            "log(self)  #: current_task, self as a value\nreturn current_task.request.id  #: self.request.id",
            "from celery import current_task",
        ),
    ),
    Case(
        "self.replace(), self.add_to_chord()",
        "Enqueue the other task",
        bound(
            "raise self.replace(other.s(order))  #: self.replace(), self.add_to_chord() & .delay() of something that isn't known"
        ),
    ),
    Case(
        "self.backend, self.app",
        "default_task_backend.get_result(id)",
        bound("return self.backend.get(order)  #: self.backend, self.app"),
    ),
    Case(
        "self.send_event()",
        "Use logging",
        bound('self.send_event("task-step")  #: self.send_event()'),
    ),
    Case(
        "task.signature_from_request(), task.on_failure and other hooks",
        "task_finished",
        """
        from celery import Task

        class Base(Task):  #: class MyTask(Task), base=
            def on_failure(self, *args):
                self.on_retry(*args)  #: task.signature_from_request(), task.on_failure and other hooks
        """,
    ),
    Case(
        "SoftTimeLimitExceeded",
        "import DeadlineExceeded",
        caught("SoftTimeLimitExceeded", "celery.exceptions", "SoftTimeLimitExceeded"),
    ),
    Case(
        "TimeLimitExceeded, WorkerLostError",
        "django_offload.exceptions.WorkerLost",
        caught("WorkerLostError", "billiard.exceptions", "TimeLimitExceeded, WorkerLostError"),
    ),
    Case(
        "MaxRetriesExceededError",
        "context.attempt",
        caught("MaxRetriesExceededError", "celery.exceptions", "MaxRetriesExceededError"),
    ),
    Case("Ignore, Reject", "Return from the task", caught("Ignore", "celery.exceptions", "Ignore, Reject")),
    Case("Retry", "Nothing raises it", caught("Retry", "celery.exceptions", "Retry")),
    Case(
        "TaskRevokedError",
        "django_offload.exceptions.Cancelled",
        caught("TaskRevokedError", "celery.exceptions", "TaskRevokedError"),
    ),
    Case(
        "OperationalError when the broker is away",
        "django_offload.exceptions.EnqueueFailed",
        caught("OperationalError", "kombu.exceptions", "OperationalError when the broker is away"),
    ),
    Case(
        "TimeoutError of result.get()",
        "nothing raises it",
        caught("TimeoutError", "celery.exceptions", "TimeoutError of result.get()"),
    ),
    Case(
        "NotRegistered and other errors of Celery",
        "django_offload.exceptions.OffloadError",
        caught("NotRegistered", "celery.exceptions", "NotRegistered and other errors of Celery"),
    ),
    Case(
        "get_task_logger()",
        "logging.getLogger(__name__)",
        """
        from celery.utils.log import get_task_logger

        log = get_task_logger(__name__)  #: get_task_logger()
        """,
    ),
    Case(
        "other logging of Celery",
        "Configure `LOGGING`",
        """
        from celery.app.log import TaskFormatter

        formatter = TaskFormatter()  #: other logging of Celery
        """,
    ),
)
