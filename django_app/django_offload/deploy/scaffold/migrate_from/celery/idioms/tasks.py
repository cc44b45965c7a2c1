"""Idioms of defining tasks."""

from .idiom import Idiom

TASKS = (
    Idiom(
        "@shared_task, @app.task",
        ("@task",),
        "Write `@task` of `from django_offload import task`. If a worker dies, its task runs again, so "
        "it must be able to run twice.",
        is_renamed=True,
    ),
    Idiom(
        "a decorator of the project that makes tasks",
        ("@own",),
        "Let the decorator return `task(…)` of `from django_offload import task`. It takes the options "
        "of the reference, not Celery's.",
    ),
    Idiom(
        "a task outside of an app's tasks module",
        ("@task outside",),
        'Workers import only the `tasks` module of each app. Add the module to `OPTIONS["modules"]`, as '
        "TASKS below does, or move the task.",
    ),
    Idiom(
        "a task inside a function or class",
        ("@task inside",),
        "Define it at the top of its module, because a worker finds it by its module and name.",
    ),
    Idiom(
        "a task that has other decorators above its own",
        ("@task below",),
        "Put `@task` first, above the others: a task is an object, not a function. What the other decorator "
        "registers, such as a signal's receiver, must be a function that calls `.delay(…)`.",
    ),
    Idiom(
        "a task made by a call, such as fee = shared_task(function)",
        ("celery.shared_task()", "app.task()", "decorator()"),
        "Write `fee = task(function)` at the top of a tasks module.",
    ),
    Idiom(
        "shared_task or app.task as a value",
        ("celery.shared_task", "app.task", "decorator"),
        "Replace it by `task` of `from django_offload import task`, and its options by those of the "
        "reference.",
    ),
    Idiom(
        "@periodic_task",
        ("@periodic", "celery.task.periodic_task", "@task(run_every=)"),
        'Write `@task(schedule=every(minutes=5))` or `@task(schedule=cron("0 3 * * *"))`; `every` and `cron` '
        "come from `django_offload`.",
    ),
    Idiom(
        "class MyTask(Task), base=",
        ("class Task", "taskclass", "celery.Task", "@task(base=)", "celery.Task.*", "celery.app.task.*"),
        "A task is a function. Write what `run()` does as a function with `@task`, and what `on_failure()`, "
        "`on_success()` or `after_return()` do as a receiver of `django.tasks.signals.task_finished`.",
    ),
    Idiom(
        "app.register_task()",
        ("app.register_task",),
        "Write the class as a function with `@task`. Nothing needs to be registered.",
    ),
    Idiom(
        "bind=True",
        ("@task(bind=)",),
        "Write `@task(takes_context=True)`, and call the first argument `context`.",
    ),
    Idiom(
        "name=",
        ("@task(name=)",),
        "`name` is the same option.",
        is_renamed=True,
    ),
    Idiom(
        "queue=, routing_key= of a task",
        ("@task(queue=)", "@task(routing_key=)", "@task(exchange=)"),
        'Write `queue_name="…"`, and name the queue in `TASKS["default"]["QUEUES"]`.',
        is_renamed=True,
    ),
    Idiom(
        "autoretry_for=",
        ("@task(autoretry_for=)",),
        "Write `retry_on=(…)` with the same classes, and `max_attempts=4`, because Celery retries 3 "
        "times unless `max_retries` says otherwise.",
    ),
    Idiom(
        "dont_autoretry_for=",
        ("@task(dont_autoretry_for=)",),
        "Write `no_retry_on=(…)` with the same classes.",
    ),
    Idiom(
        "max_retries=, retry_kwargs=",
        ("@task(max_retries=)", "@task(retry_kwargs=)", "task.max_retries"),
        "Write `max_attempts=N + 1`, at most 100: it counts the first attempt too. With it every "
        "exception is retried, unless `retry_on` names classes.",
    ),
    Idiom(
        "retry_backoff=, default_retry_delay=",
        (
            *("@task(retry_backoff=)", "@task(retry_backoff_max=)", "@task(retry_jitter=)"),
            *("@task(default_retry_delay=)", "task.default_retry_delay"),
        ),
        "Write `backoff=seconds`. It doubles up to 15 minutes, with jitter. For fixed waits write "
        "`backoff=lambda attempt: 180`; 180 s is Celery's default_retry_delay. A function of two, such as "
        "`lambda exception, task_result: 60`, sees the exception too.",
    ),
    Idiom(
        "soft_time_limit=, time_limit=",
        ("@task(soft_time_limit=)", "@task(time_limit=)", "task.soft_time_limit", "task.time_limit"),
        "Write `timeout=seconds`. It raises `DeadlineExceeded` inside the task. A task has at most the "
        "`timeout` of its queue: 300 s unless `OPTIONS` says otherwise, at most 900 s, in some regions "
        "1,800 s.",
    ),
    Idiom(
        "rate_limit=",
        ("@task(rate_limit=)", "task.rate_limit", "app.control.rate_limit"),
        "There is no rate per task. Give the task a queue of its own, and limit how many of it run at "
        'the same time with `"max_concurrency"` of that queue.',
    ),
    Idiom(
        "acks_late=, reject_on_worker_lost=, track_started=",
        (
            *("@task(acks_late=)", "@task(acks_on_*=)", "@task(reject_on_worker_lost=)"),
            *(
                "@task(retry_on_worker_lost=)",
                "@task(track_started=)",
                "@task(send_events=)",
                "@task(trail=)",
            ),
            *("@task(store_errors_even_if_ignored=)", "@task(typing=)", "task.acks_late"),
        ),
        "Remove it, because this is always so: a task whose worker dies runs again, and its state and errors "
        "are stored.",
    ),
    Idiom(
        "ignore_result=",
        ("@task(ignore_result=)",),
        "Remove it. The result is always stored, so the task must return JSON or None. `result_ttl` says how "
        "long it stays.",
    ),
    Idiom(
        "serializer=, compression= of a task",
        ("@task(serializer=)", "@task(compression=)"),
        "Remove it. Arguments and results are JSON: numbers, text, lists and dictionaries.",
    ),
    Idiom(
        "expires=, priority= of a task",
        ("@task(expires=)", "@task(priority=)"),
        "Neither is an option of a task. For `expires`, return early if `timezone.now() - "
        "context.task_result.enqueued_at` is too long. For `priority`, use a queue of its own.",
    ),
    Idiom(
        "throws=",
        ("@task(throws=)",),
        "Remove it. Every exception of a task is stored and logged in the same way.",
    ),
    Idiom(
        "pydantic=",
        ("@task(pydantic*=)",),
        'Pass `model.model_dump(mode="json")`, and validate the argument inside the task.',
    ),
    Idiom(
        "**options of a decorator",
        ("@task(...)",),
        "Write the options out, as the reference names them. `@task` refuses names that it doesn't know.",
    ),
    Idiom(
        "celery_once, celery_singleton and the like",
        (
            *("@task(once=)", "@task(unique_on=)", "@task(lock_expiry=)", "@task(raise_on_duplicate=)"),
            *("@task(unique_key=)", "@task(hidden_positionals=)"),
            *("celery_once*", "celery_singleton*", "celery_unique*", "celery_dedupe*"),
        ),
        "Write `@task(unique=True)`, or `unique=lambda order: order` where `keys` or `unique_on` names "
        "arguments. The key is free when its task has ended, so nothing expires or needs to be cleared. A "
        "second call raises nothing: it returns the first one's result, with `.duplicate`.",
    ),
    Idiom(
        "a lock around the body of a task: cache.add(), redis.lock()",
        ("lock in a task",),
        "If it lets one task at a time run for the same arguments, remove it and write `@task(unique=True)`. "
        "A worker that dies then leaves nothing locked. A lock that other code takes too stays.",
    ),
)
