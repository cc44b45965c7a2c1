"""Idioms inside a running task."""

from .idiom import Idiom

RUNNING = (
    Idiom(
        "self.retry()",
        ("task.retry", "task.retry(exc=)", "task.retry(countdown=)", "task.retry(eta=)"),
        "Raise the exception itself, with `max_attempts` and `retry_on` in the decorator. The wait of "
        "`countdown=` becomes `backoff`, a number or a function of the attempt from 1, or one of the "
        "exception and the result: `backoff=lambda exception, task_result: exception.retry_after`. "
        "`countdown=60 * 2 ** self.request.retries` is `backoff=lambda attempt: 60 * 2 ** (attempt - 1)`.",
    ),
    Idiom(
        "self.retry() with other arguments",
        ("task.retry(args=)", "task.retry(kwargs=)"),
        "A retry has the same arguments. Enqueue the task with the new ones, and return.",
    ),
    Idiom(
        "self.retry() with limits, a queue or throw=False",
        (
            *(
                "task.retry(max_retries=)",
                "task.retry(queue=)",
                "task.retry(throw=)",
                "task.retry(priority=)",
            ),
            *(
                "task.retry(time_limit=)",
                "task.retry(soft_time_limit=)",
                "task.retry(expires=)",
                "task.retry(...)",
            ),
        ),
        "The decorator says how often a task is tried, for all its attempts. What follows `throw=False` must "
        "run before the exception is raised.",
    ),
    Idiom(
        "self.update_state()",
        ("task.update_state", "task.backend.store_result", "app.backend.store_result"),
        "Write `context.progress(done, total, message)`. The status page and the board show it. There are no "
        "states of your own; keep other data in `context.metadata`, of 300 bytes at most, or in a model.",
    ),
    Idiom(
        "self.request.id",
        ("task.request.id", "task.request.correlation_id"),
        "Write `context.task_result.id`. It is the same for each attempt.",
    ),
    Idiom(
        "self.request.retries",
        ("task.request.retries",),
        "Write `context.attempt - 1`. A worker that died counts as an attempt too.",
    ),
    Idiom(
        "self.request.args, self.request.kwargs",
        ("task.request.args", "task.request.kwargs"),
        "Write `context.task_result.args` and `context.task_result.kwargs`.",
    ),
    Idiom(
        "self.name, self.request.task",
        ("task.name", "task.request.task", "task.__name__"),
        "Write `context.task_result.task.module_path`, or `task.module_path` outside of the task.",
    ),
    Idiom(
        "self.request.delivery_info",
        ("task.request.delivery_info", "task.request.delivery_info[]", "task.request.delivery_info.get"),
        "The queue is `context.task_result.task.queue_name`. A redelivery is `context.attempt > 1`.",
    ),
    Idiom(
        "self.request.hostname",
        ("task.request.hostname",),
        "Write `context.task_result.worker_ids[-1]`.",
    ),
    Idiom(
        "self.request.is_eager, called_directly",
        ("task.request.is_eager", "task.request.called_directly"),
        'A task that runs in place by `.call(…)` has `context.task_result.id == "local"`.',
    ),
    Idiom(
        "self.request.eta, expires, timelimit",
        (
            *(
                "task.request.eta",
                "task.request.expires",
                "task.request.timelimit",
                "task.request.time_limit",
            ),
            "task.request.soft_time_limit",
        ),
        "The start is `context.task_result.task.run_after`, and the remaining time is `context.remaining`. "
        "There is no expiry; the age follows from `context.task_result.enqueued_at`.",
    ),
    Idiom(
        "self.request.parent_id, root_id, group, chord",
        (
            *("task.request.parent_id", "task.request.root_id", "task.request.group", "task.request.chord"),
            *(
                "task.request.chain",
                "task.request.callbacks",
                "task.request.errbacks",
                "task.request.children",
            ),
            *("task.request.group_index", "task.request.reply_to"),
        ),
        "A task doesn't know what enqueued it. Pass the id that it needs as an argument.",
    ),
    Idiom(
        "self.request.headers and other attributes of a request",
        ("task.request.*", "task.request[]", "task.request"),
        "A context has `task_result`, `attempt`, `remaining`, `cancelled` and `idempotency_key`. Pass "
        "anything else as an argument.",
    ),
    Idiom(
        "current_task, self as a value",
        ("task",),
        "A task can't be called or given away like a function. Pass a function that calls `.delay(…)` or "
        "`.call(…)`. In place of `current_task`, take the context; `django_offload.progress(…)` works "
        "anywhere.",
    ),
    Idiom(
        "self.replace(), self.add_to_chord()",
        ("task.replace", "task.add_to_chord"),
        "Enqueue the other task with `.delay(…)`, and return.",
    ),
    Idiom(
        "self.backend, self.app",
        ("task.backend", "task.backend.*", "app.backend", "app.backend.*"),
        "There is no result backend. Read a result with `default_task_backend.get_result(id)` of "
        "`django.tasks`.",
    ),
    Idiom(
        "self.send_event()",
        ("task.send_event",),
        "Use logging, or `context.progress(…)`.",
    ),
    Idiom(
        "task.signature_from_request(), task.on_failure and other hooks",
        (
            "task.signature_from_request",
            "task.on_*",
            "task.before_start",
            "task.after_return",
            "task.on_bound",
        ),
        "A task has no such hooks. Receive `django.tasks.signals.task_started` and `task_finished`.",
    ),
    Idiom(
        "SoftTimeLimitExceeded",
        ("celery.exceptions.SoftTimeLimitExceeded", "billiard.exceptions.SoftTimeLimitExceeded"),
        "Write `from django_offload.exceptions import DeadlineExceeded`. It is raised again and again "
        "until the function returns, so clean up within a second.",
    ),
    Idiom(
        "TimeLimitExceeded, WorkerLostError",
        (
            *("celery.exceptions.TimeLimitExceeded", "celery.exceptions.WorkerLostError"),
            *("billiard.exceptions.TimeLimitExceeded", "billiard.exceptions.WorkerLostError"),
            *("celery.exceptions.Terminated", "billiard.exceptions.Terminated"),
        ),
        "Nobody can catch it, because the process is gone. The task runs again; after its last attempt its "
        "error is `django_offload.exceptions.WorkerLost`.",
    ),
    Idiom(
        "MaxRetriesExceededError",
        ("celery.exceptions.MaxRetriesExceededError", "task.MaxRetriesExceededError"),
        "After the last attempt the task fails with its own exception. To do something then, compare "
        "`context.attempt` with the `max_attempts` of the task before you raise.",
    ),
    Idiom(
        "Ignore, Reject",
        ("celery.exceptions.Ignore", "celery.exceptions.Reject"),
        "Return from the task. To run it again, raise an exception that `retry_on` names.",
    ),
    Idiom(
        "Retry",
        ("celery.exceptions.Retry", "celery.exceptions.RetryTaskError"),
        "Nothing raises it. Remove the `except`; tests assert the exception of the task itself.",
    ),
    Idiom(
        "TaskRevokedError",
        ("celery.exceptions.TaskRevokedError",),
        "A cancelled task is FAILED, and its last error is `django_offload.exceptions.Cancelled`.",
    ),
    Idiom(
        "OperationalError when the broker is away",
        ("kombu.exceptions.OperationalError", "celery.exceptions.OperationalError", "kombu.exceptions.*"),
        "Catch `django_offload.exceptions.EnqueueFailed`. Inside a transaction the task is sent at the "
        "commit.",
    ),
    Idiom(
        "TimeoutError of result.get()",
        ("celery.exceptions.TimeoutError",),
        "No call waits for a result, so nothing raises it.",
    ),
    Idiom(
        "NotRegistered and other errors of Celery",
        (
            *(
                "celery.exceptions.NotRegistered",
                "celery.exceptions.ChordError",
                "celery.exceptions.CeleryError",
            ),
            *(
                "celery.exceptions.TaskError",
                "celery.exceptions.InvalidTaskError",
                "celery.exceptions.QueueNotFound",
            ),
            *("celery.exceptions.ImproperlyConfigured", "celery.exceptions.BackendError"),
        ),
        "Catch `django_offload.exceptions.OffloadError`, the base class of all errors of django-offload.",
    ),
    Idiom(
        "get_task_logger()",
        ("celery.utils.log.get_task_logger",),
        "Write `logging.getLogger(__name__)`.",
        is_renamed=True,
    ),
    Idiom(
        "other logging of Celery",
        ("celery.utils.log.*", "celery.app.log.*", "app.log.*", "app.log"),
        "Configure `LOGGING` in the settings. Lambda sends what is logged to CloudWatch.",
    ),
)
