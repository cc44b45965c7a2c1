"""Idioms of apps, workers, signals and tests."""

from .idiom import Idiom

PROCESSES = (
    Idiom(
        "Celery(), the app",
        (
            *(
                "celery.Celery",
                "celery.Celery(*",
                "app",
                "celery.app_or_default",
                "app.main",
                "app.set_default",
            ),
            *("app.set_current", "app.close", "app.loader", "app.loader.*", "celery.Celery.*", "import app"),
            *("app._get_current_object", "celery.app_or_default(*"),
        ),
        "Remove the app and its imports once nothing uses them. `TASKS` below replaces it.",
    ),
    Idiom(
        "app.config_from_object(), app.conf",
        (
            *("app.config_from_object", "app.config_from_envvar", "app.add_defaults", "app.conf"),
            *("app.conf.update", "app.conf.humanize", "app.conf.get", "app.conf[]", "app.conf.namespace"),
        ),
        "Remove it. `TASKS` has all settings.",
    ),
    Idiom(
        "app.autodiscover_tasks()",
        ("app.autodiscover_tasks",),
        'Remove it. The `tasks` module of each app is found, others by `OPTIONS["modules"]`.',
    ),
    Idiom(
        "app.control.revoke()",
        ("app.control.revoke", "app.control.terminate", "app.control.revoke_by_stamped_headers"),
        "Send a POST to `django_offload:cancel`, or run `manage.py offload_result ID --cancel`. A "
        "running task isn't killed; it reads `context.cancelled`.",
    ),
    Idiom(
        "app.control.inspect()",
        ("app.control.inspect", "inspect", "inspect.*", "app.control.ping"),
        "Run `manage.py offload_status --json` for what waits in each queue, and look at the board for tasks "
        "that run. There are no workers to ping.",
    ),
    Idiom(
        "app.control.purge()",
        ("app.control.purge", "app.control.discard_all"),
        "No command empties a queue. Cancel the tasks on the board.",
    ),
    Idiom(
        "app.control, other commands",
        ("app.control", "app.control.*", "celery.worker.control*"),
        "There are no workers to control: Lambda starts and stops them. `max_concurrency` of a queue is "
        "the limit.",
    ),
    Idiom(
        "task_prerun, before_task_publish",
        (
            *("celery.signals.task_prerun*", "celery.signals.task_received*"),
            *("celery.signals.before_task_publish*", "celery.signals.after_task_publish*"),
            "celery.signals.task_sent*",
        ),
        "Receive `django.tasks.signals.task_started`, or `task_enqueued` for what is published. The "
        "arguments are in `task_result`.",
    ),
    Idiom(
        "task_postrun, task_success, task_failure",
        (
            *("celery.signals.task_postrun*", "celery.signals.task_success*", "celery.signals.task_failure*"),
            *("celery.signals.task_internal_error*",),
        ),
        "Receive `django.tasks.signals.task_finished`, and look at `task_result.status`. It isn't sent "
        "between two attempts.",
    ),
    Idiom(
        "task_retry, task_revoked, task_rejected, task_unknown",
        (
            *("celery.signals.task_retry*", "celery.signals.task_revoked*", "celery.signals.task_rejected*"),
            "celery.signals.task_unknown*",
        ),
        "There is no such signal. Log in the task, which knows `context.attempt` and `context.cancelled`. "
        "Alarms of the stack report dead letters.",
    ),
    Idiom(
        "worker_process_init and other signals of processes",
        (
            *("celery.signals.worker_*", "celery.signals.celeryd_*", "celery.signals.beat_*"),
            *(
                "celery.signals.import_modules*",
                "celery.signals.heartbeat_sent*",
                "celery.signals.eventlet_*",
            ),
            *(
                "celery.signals.user_preload_options*",
                "celery.bootsteps*",
                "app.steps",
                "app.steps[]",
                "app.user_options*",
            ),
        ),
        "Put what a process needs into `AppConfig.ready()`, or make it at the first use. Lambda starts and "
        "freezes processes as it likes, so nothing runs at their end.",
    ),
    Idiom(
        "setup_logging, after_setup_logger",
        ("celery.signals.setup_logging*", "celery.signals.after_setup_*"),
        "Configure `LOGGING` in the settings. Nothing changes it.",
    ),
    Idiom(
        "app.on_after_configure.connect",
        ("app.on_*", "celery.signals.*"),
        'Remove it. Schedules are in `OPTIONS["schedules"]`, or in `@task(schedule=...)`; anything else '
        "belongs into `AppConfig.ready()`.",
    ),
    Idiom(
        "add_periodic_task()",
        ("app.add_periodic_task", "app.add_periodic_task(*"),
        'Write an entry of `OPTIONS["schedules"]`, as TASKS below does where the time can be read, or '
        "`@task(schedule=every(minutes=15))`.",
    ),
    Idiom(
        "crontab(), schedule(), solar()",
        ("celery.schedules*", "celery.beat*", "celery.bin.beat*"),
        'Write `@task(schedule=cron("0 3 * * *", timezone="Europe/Zurich"))` with the five fields of a '
        "crontab, or `every(minutes=15)`; both come from `django_offload`. The shortest period is a minute. "
        "There is no solar time.",
    ),
    Idiom(
        "django_celery_beat",
        (
            "django_celery_beat*",
            "string.django_celery_beat*",
            "redbeat*",
            "string.redbeat*",
            "string.djcelery*",
        ),
        "Its rows name tasks that no code names. Write each enabled row of PeriodicTask into "
        '`OPTIONS["schedules"]`; nothing reads the rows any more. No task is rewritten meanwhile.',
    ),
    Idiom(
        "celery.contrib.testing, celery_app, celery_worker in tests",
        (
            *(
                "celery.contrib.testing*",
                "celery.contrib.pytest*",
                "pytest_celery*",
                "string.celery.contrib.pytest",
            ),
            "string.pytest_celery",
        ),
        "Use the fixture `offload`: `offload.run()` runs what was enqueued, through the real handlers.",
    ),
    Idiom(
        "celery.contrib.abortable, batches and other extras",
        ("celery.contrib.abortable*", "celery.contrib.*", "celery_batches*"),
        'For abortable tasks read `context.cancelled`. For batches set `"batch_size"` of the queue, or '
        "pass a list to one task.",
    ),
    Idiom(
        "sentry_sdk.integrations.celery and other integrations",
        (
            *("sentry_sdk.integrations.celery*", "opentelemetry.instrumentation.celery*", "ddtrace.*celery*"),
            *("django_structlog.celery*", "string.django_structlog.celery*", "elasticapm.contrib.celery*"),
            *("newrelic.*celery*", "scout_apm.celery*", "datadog*celery*", "raven.contrib.celery*"),
        ),
        "Use what the vendor has for AWS Lambda.",
    ),
    Idiom(
        "a task or Celery's app in a string",
        ("string.task", "string.app"),
        "Whatever reads this path gets another object later: a task is frozen, so tests can't patch its "
        "attributes. Patch the function that calls it, or use the fixture `offload`.",
    ),
    Idiom(
        "Celery in a string, such as a command or a logger",
        ("string.celery", "string.celery.*", "string.*"),
        "No worker or beat process is started. Remove the command; the loggers are those of your modules and "
        "`django_offload`.",
    ),
    Idiom(
        "Celery in other files",
        ("file",),
        "Remove the processes of workers and beat, and the package itself once no module imports it.",
    ),
    Idiom(
        "app.start(), app.worker_main(), app.Worker",
        (
            *(
                "app.start",
                "app.worker_main",
                "app.Worker",
                "app.Worker.*",
                "app.Beat*",
                "celery.bin*",
                "celery.apps*",
            ),
            *("celery.platforms*", "celery.worker*", "celery.concurrency*", "flower*"),
        ),
        "There is no worker to start. `manage.py offload_local` runs everything on your machine.",
    ),
    Idiom(
        "app.connection(), kombu, events",
        (
            *(
                "app.connection*",
                "app.broker_connection*",
                "app.producer_pool*",
                "app.pool*",
                "app.events*",
                "app.amqp*",
            ),
            *("kombu*", "amqp*", "app.Events*", "celery.events*", "billiard*", "vine*", "app.oid"),
        ),
        'There is no broker. `kombu.Queue("slow")` is a name in `QUEUES`; other messages are sent with '
        "boto3.",
    ),
    Idiom(
        "celery.utils",
        ("celery.utils.uuid", "celery.utils.*", "celery.local*"),
        "Write the standard library's: `str(uuid.uuid4())`, `itertools.batched()`, `datetime`.",
    ),
    Idiom(
        "app.now(), app.timezone",
        ("app.now", "app.timezone", "app.uses_utc_timezone"),
        "Write `timezone.now()` of `django.utils`.",
    ),
    Idiom(
        "if Celery is installed",
        ("import", "celery.__version__", "celery.VERSION", "celery"),
        "Remove the import once nothing uses it.",
    ),
)
