"""Idioms of results."""

from .idiom import Idiom

RESULTS = (
    Idiom(
        "AsyncResult(id)",
        ("celery.result.AsyncResult", "celery.result.AsyncResult(...)"),
        "Write `default_task_backend.get_result(id)` of `django.tasks`. It raises TaskResultDoesNotExist "
        "for an unknown id, where Celery says PENDING.",
    ),
    Idiom(
        "result.id",
        ("result.id",),
        "Stays as it is: `.id` is the id.",
        is_renamed=True,
    ),
    Idiom(
        "result.get(), wait(), join(), collect()",
        (
            "result.get",
            "result.wait",
            "result.join",
            "result.join_native",
            "result.collect",
            "result.iterate",
        ),
        "No call waits for a result. Answer with `accepted(result)` of `django_offload.http`, and let "
        "the page ask again. In tests call `offload.run()`, then `result.refresh()` and "
        "`result.return_value`.",
    ),
    Idiom(
        "result.ready()",
        ("result.ready",),
        "Write `result.is_finished`, after `result.refresh()`.",
    ),
    Idiom(
        "result.successful(), result.failed()",
        (
            "result.successful",
            "result.failed",
            "result.maybe_throw",
            "result.waiting",
            "result.completed_count",
        ),
        "Compare `result.status` with `TaskResultStatus.SUCCESSFUL` or `.FAILED` of `django.tasks`.",
    ),
    Idiom(
        "result.state, result.status",
        ("result.state", "celery.states.*", "celery.states"),
        "Write `result.status`. PENDING and RETRY are READY, STARTED is RUNNING, SUCCESS is SUCCESSFUL, "
        "FAILURE and REVOKED are FAILED.",
    ),
    Idiom(
        "result.result, result.info",
        ("result.result", "result.result.*", "result.result[]"),
        "Write `result.return_value`, which raises ValueError until the task is SUCCESSFUL. The exception is "
        "`result.errors[-1].exception_class`. Progress is in the answer of the status page.",
    ),
    Idiom(
        "result.traceback",
        ("result.traceback",),
        "Write `result.errors[-1].traceback`, if `result.errors` isn't empty.",
    ),
    Idiom(
        "result.revoke()",
        ("result.revoke",),
        "Send a POST to `django_offload:cancel`, or run `manage.py offload_result ID --cancel`. A "
        "running task reads `context.cancelled`.",
    ),
    Idiom(
        "result.forget()",
        ("result.forget", "result.delete", "result.save"),
        "Results are deleted by themselves after `result_ttl`, 14 days unless you say otherwise.",
    ),
    Idiom(
        "result.date_done, args, kwargs, name, worker",
        (
            *("result.date_done", "result.args", "result.kwargs", "result.name", "result.worker"),
            *("result.retries", "result.queue"),
        ),
        "Write `result.finished_at`, `result.args`, `result.kwargs`, `result.task.module_path`, "
        "`result.worker_ids`, `result.attempts` and `result.task.queue_name`.",
    ),
    Idiom(
        "result.children, parent, graph, then()",
        (
            *("result.children", "result.parent", "result.graph", "result.then", "result.build_graph"),
            *(
                "result.add",
                "result.results",
                "result.as_tuple",
                "result.as_list",
                "result.supports_native_join",
            ),
            *("result[]", "result.backend", "result.backend.*"),
        ),
        "A result stands alone. Store the ids of tasks that belong together.",
    ),
    Idiom(
        "GroupResult, ResultSet",
        ("celery.result.GroupResult*", "celery.result.ResultSet*", "celery.result.result_from_tuple"),
        "Store the ids of the tasks, and ask for each with `default_task_backend.get_result(id)`.",
    ),
    Idiom(
        "EagerResult",
        ("celery.result.EagerResult", "celery.result.EagerResult.*"),
        "In tests use the fixture `offload`: `result = f.enqueue(…)`, `offload.run()`, `result.refresh()`.",
    ),
    Idiom(
        "django_celery_results",
        ("django_celery_results*", "string.django_celery_results*"),
        "Remove it. The board in the admin lists tasks; a single one is "
        "`default_task_backend.get_result(id)`. Old rows stay in your database until you drop their "
        "tables.",
    ),
    Idiom(
        "allow_join_result()",
        ("celery.result.allow_join_result", "celery.result.denied_join_result"),
        "Remove it, because no task waits for another.",
    ),
    Idiom(
        "celery_progress",
        ("celery_progress*", "string.celery_progress*"),
        "Write `{% task_progress result %}` of `{% load offload %}`, and `context.progress(…)` in the task.",
    ),
)
