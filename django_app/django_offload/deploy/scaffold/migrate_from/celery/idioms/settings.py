"""Idioms of settings, with the names that Celery gives them since its version 4."""

from .idiom import Idiom


def settings(*names: str) -> tuple[str, ...]:
    """Return the uses of settings: in Django's settings, and as attributes of the app's configuration."""
    return tuple(
        use for name in names for use in (f"setting.{name}", f"app.conf.{name}", f"app.conf.{name}.*")
    )


SETTINGS = (
    Idiom(
        "beat_schedule",
        settings("beat_schedule", "beat_schedule[]"),
        'Write `OPTIONS["schedules"]`, as TASKS below does where the schedule can be read, or '
        '`@task(schedule=cron("0 3 * * *"))`.',
    ),
    Idiom(
        "an entry of beat_schedule that can't be moved as it is",
        ("schedule",),
        "AWS's shortest rate is one minute, and a cron can't limit the day of the month and of the week "
        "at once. Let the task itself look at the time, or call a command from a server's cron.",
    ),
    Idiom(
        "options of an entry of beat_schedule",
        ("schedule options",),
        "A schedule has `task`, `when`, `timezone`, `args`, `kwargs` and `overlap`. Give the task its queue "
        "in the decorator.",
    ),
    Idiom(
        "beat_scheduler and other settings of beat",
        settings("beat_*"),
        'Remove it. EventBridge Scheduler enqueues what `OPTIONS["schedules"]` and '
        "`@task(schedule=...)` say.",
    ),
    Idiom(
        "task_routes",
        settings("task_routes", "task_routes[]"),
        'Write `queue_name="…"` in the decorator of each task.',
    ),
    Idiom(
        "task_queues, task_default_queue",
        settings(
            "task_queues", "task_default_queue", "task_create_missing_queues", "task_queue*", "task_default_*"
        ),
        'Write the names in `TASKS["default"]["QUEUES"]`. A task without `queue_name` goes to `default`.',
    ),
    Idiom(
        "task_always_eager, task_eager_propagates",
        settings("task_always_eager", "task_eager_propagates", "task_store_eager_result"),
        "In tests use the fixture `offload`. To run tasks at once anywhere, set `BACKEND` to "
        "`django.tasks.backends.immediate.ImmediateBackend`.",
    ),
    Idiom(
        "task_serializer, accept_content, result_serializer",
        settings(
            "task_serializer", "accept_content", "result_serializer", "result_accept_content", "*compression"
        ),
        "Remove it. Arguments and results are JSON. With pickle, tasks got model instances, dates and "
        "classes: pass keys and text. No task is rewritten while pickle is on.",
    ),
    Idiom(
        "task_time_limit, task_soft_time_limit",
        settings("task_time_limit", "task_soft_time_limit"),
        'Write `"timeout"` in the queue\'s options, as TASKS below does: at most 900 s, in some regions '
        "1,800 s.",
    ),
    Idiom(
        "task_annotations, task_default_rate_limit",
        settings(
            "task_annotations", "task_annotations[]", "task_default_rate_limit", "worker_disable_rate_limits"
        ),
        "Write the options in the decorator of each task. There is no rate per task, but "
        "`max_concurrency` of its queue.",
    ),
    Idiom(
        "task_acks_late, task_track_started and the like",
        settings(
            *("task_acks_*", "task_track_started", "task_reject_on_worker_lost", "task_retry_on_worker_lost"),
            *(
                "task_ignore_result",
                "task_store_errors_even_if_ignored",
                "task_publish_retry*",
                "task_protocol",
            ),
            *("task_send_sent_event", "task_remote_tracebacks", "task_inherit_parent_priority"),
            *("task_allow_error_cb_on_chord_header", "task_repr_maxlevels"),
        ),
        "Remove it. A task whose worker dies runs again, and states, results and errors are stored.",
    ),
    Idiom(
        "broker_url, broker_transport_options",
        settings("broker_*"),
        'Remove it. There is no broker; `OPTIONS["stack"]` names the queues in AWS.',
    ),
    Idiom(
        "result_backend",
        settings("result_backend", "result_extended", "result_*", "cache_*", "database_*", "redis_*", "s3_*"),
        "Remove it. Records are in DynamoDB.",
    ),
    Idiom(
        "result_expires",
        settings("result_expires"),
        'Write `OPTIONS["result_ttl"]`, in seconds or as a timedelta; 14 days without it.',
    ),
    Idiom(
        "worker_concurrency",
        settings("worker_concurrency", "worker_autoscaler", "worker_prefetch_multiplier", "worker_pool*"),
        'Write `"max_concurrency"` in the queue\'s options: how many tasks run at the same time.',
    ),
    Idiom(
        "worker_max_tasks_per_child and other settings of workers",
        settings("worker_*", "event_*", "control_*", "security_*"),
        "Remove it. Lambda starts and ends the processes.",
    ),
    Idiom(
        "timezone, enable_utc",
        settings("timezone", "enable_utc"),
        'Write `"timezone"` in each entry of `OPTIONS["schedules"]`, or give it to `cron()`.',
    ),
    Idiom(
        "imports, include",
        settings("imports", "include"),
        'Write `OPTIONS["modules"]` for modules that aren\'t called `tasks`.',
    ),
)
