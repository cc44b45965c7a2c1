"""
The names of Celery as the table of idioms writes them: one name for each thing, wherever it is imported from.

A name begins with `celery.` or another library, or with what an expression is: `app`, `task`, `result`,
`signature`, `inspect` or `decorator`, which is what `shared_task(…)` returns.
"""

import re

# Packages whose names don't contain "celery".
_LIBRARIES = frozenset({"amqp", "billiard", "djcelery", "flower", "kombu", "redbeat", "vine"})
_CELERY_PART = re.compile(r"(^|\.)\w*celery\w*(\.|$)", re.IGNORECASE)

# Packages that let one task of a key run at a time.
UNIQUE = frozenset({"celery_dedupe", "celery_once", "celery_singleton", "celery_unique"})

DECORATORS = frozenset({"app.task", "celery.shared_task", "celery.task.periodic_task"})
# The attributes of Celery's Task that a class of tasks inherits.
TASK_ATTRIBUTES = frozenset(
    {
        *("AsyncResult", "acks_late", "add_to_chord", "after_return", "app", "apply", "apply_async"),
        *("apply_async_on_commit", "backend", "before_start", "chunks", "default_retry_delay", "delay"),
        *("delay_on_commit", "map", "max_retries", "name", "on_failure", "on_retry", "on_success"),
        *("rate_limit", "replace", "request", "retry", "s", "send_event", "si", "signature"),
        *("signature_from_request", "starmap", "subtask", "time_limit", "soft_time_limit", "update_state"),
    }
)
# Other names for the same thing. The longest match counts.
_SAME = {
    "celery.app.app_or_default": "celery.app_or_default",
    "celery.app.base.Celery": "celery.Celery",
    "celery.app.Celery": "celery.Celery",
    "celery.app.default_app": "app",
    "celery.app.control": "app.control",
    "celery.app.shared_task": "celery.shared_task",
    "celery.app.task.Task": "celery.Task",
    "celery._state.current_app": "app",
    "celery._state.current_task": "celery.current_task",
    "celery.canvas": "celery",
    "celery.contrib.django.task.DjangoTask": "celery.Task",
    "celery.current_app": "app",
    "celery.current_task": "task",
    "celery.decorators.task": "celery.shared_task",
    "celery.decorators.periodic_task": "celery.task.periodic_task",
    "celery.execute.send_task": "app.send_task",
    "celery.registry.tasks": "app.tasks",
    "celery.task.Task": "celery.Task",
    "celery.task.control": "app.control",
    "celery.task.current": "task",
    "celery.task.schedules": "celery.schedules",
    "celery.task.task": "celery.shared_task",
    "celery.uuid": "celery.utils.uuid",
    "djcelery.models": "django_celery_beat.models",
    "app.AsyncResult": "celery.result.AsyncResult",
    "app.GroupResult": "celery.result.GroupResult",
    "app.Task": "celery.Task",
    "app.current_task": "task",
    "app.signature": "celery.signature",
    "task.AsyncResult": "celery.result.AsyncResult",
    "task.app": "app",
    "task.subtask": "task.signature",
    "celery.subtask": "celery.signature",
    "celery.maybe_signature": "celery.signature",
    "result.task_id": "result.id",
    "result.status": "result.state",
    "result.info": "result.result",
}
_CANVAS = ("chain", "chord", "chunks", "group", "signature", "xmap", "xstarmap")
_RETURNING_RESULTS = (
    *("celery.result.AsyncResult", "celery.result.EagerResult", "celery.result.GroupResult"),
    *("celery.result.ResultSet", "celery.result.GroupResult.restore", "celery.result.result_from_tuple"),
    *("app.send_task", "task.apply", "task.apply_async", "task.delay", "unresolved.delay"),
    *("unresolved.apply_async", "signature", "signature.apply", "signature.apply_async", "signature.delay"),
)
# What a call returns, by the name of what is called.
CALLS = {
    "celery.Celery": "app",
    "celery.app_or_default": "app",
    "app._get_current_object": "app",
    **dict.fromkeys(("app.tasks.get", "app.register_task"), "task"),
    "app.control.inspect": "inspect",
    **dict.fromkeys(_RETURNING_RESULTS, "result"),
    **{f"celery.{name}": "signature" for name in _CANVAS},
    **{f"task.{name}": "signature" for name in ("chunks", "map", "s", "si", "signature", "starmap")},
    **{f"signature.{name}": "signature" for name in ("clone", "on_error", "set", "skew", "s", "si")},
}


def is_library(dotted: str) -> bool:
    """Return True if an imported name belongs to Celery, or to a package around it."""
    return dotted.partition(".")[0] in _LIBRARIES or _CELERY_PART.search(dotted) is not None


def canonical(name: str) -> str:
    """Return the name in the table for any name of the same thing."""
    for _ in range(3):
        parts = name.split(".")
        for length in range(len(parts), 0, -1):
            prefix = ".".join(parts[:length])
            if prefix in _SAME:
                name = ".".join([_SAME[prefix], *parts[length:]])
                break
        else:
            return name
    return name


_OLD_PREFIXES = {"CELERYBEAT_": "beat_", "CELERYD_": "worker_", "DJANGO_CELERY_BEAT_": "beat_"}
_FAMILIES = (
    *(
        "beat_",
        "broker_",
        "cache_",
        "control_",
        "database_",
        "event_",
        "redis_",
        "result_",
        "s3_",
        "security_",
    ),
    *("task_", "worker_"),
)
_WITHOUT_FAMILY = {"accept_content", "enable_utc", "imports", "include", "timezone"}
_RENAMED = {
    "worker_task_soft_time_limit": "task_soft_time_limit",
    "worker_task_time_limit": "task_time_limit",
    "task_result_expires": "result_expires",
    "task_eager_propagates_exceptions": "task_eager_propagates",
    "task_send_events": "worker_send_task_events",
}
SETTING = re.compile(r"(?:CELERYBEAT|CELERYD|CELERY|DJANGO_CELERY_BEAT|DJANGO_CELERY|BROKER)_[A-Z][A-Z0-9_]*")


def setting_name(name: str, namespace: str = "CELERY_") -> str:
    """Return the modern lower-case name of a setting of Celery."""
    for prefix, family in _OLD_PREFIXES.items():
        if name.startswith(prefix):
            new = family + name.removeprefix(prefix).lower()
            return _RENAMED.get(new, new)
    new = name.removeprefix(namespace).lower()
    if not new.startswith(_FAMILIES) and new not in _WITHOUT_FAMILY:
        new = f"task_{new}"
    return _RENAMED.get(new, new)
