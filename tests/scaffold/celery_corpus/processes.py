"""Cases of apps, workers, signals and tests."""

from .case import Case


def app(code: str) -> str:
    """Return a module with an app and code that uses it."""
    return (
        "# file: shop/celery.py\nfrom celery import Celery\n\n"
        f'app = Celery("shop", broker="redis://")  #: Celery(), the app\n{code}\n'
    )


def received(signal: str, idiom: str) -> str:
    return (
        f"# file: orders/signals.py\nfrom celery import signals\nfrom celery.signals import {signal}\n\n"
        f"@{signal}.connect  #: {idiom}\ndef one(**kwargs): ...\n\n"
        f"signals.{signal}.connect(one)  #: {idiom}\n"
    )


CASES = (
    Case(
        "Celery(), the app",
        "`TASKS` below replaces it",
        app("")
        + """
# file: shop/__init__.py
from .celery import app as celery_app  #: Celery(), the app
__all__ = ("celery_app",)
""",
    ),
    Case(
        "app.config_from_object(), app.conf",
        "`TASKS` has all settings",
        app(
            'app.config_from_object("django.conf:settings", namespace="CELERY")  #: app.config_from_object(), app.conf'
        ),
    ),
    Case(
        "app.autodiscover_tasks()",
        "The `tasks` module of each app is found",
        app("app.autodiscover_tasks()  #: app.autodiscover_tasks()"),
    ),
    Case(
        "app.control.revoke()",
        "context.cancelled",
        app("app.control.revoke(id, terminate=True)  #: app.control.revoke()")
        + "\n# file: orders/views.py\nfrom celery.task.control import revoke\nrevoke(1)  #: app.control.revoke()\n",
    ),
    Case(
        "app.control.inspect()",
        "offload_status --json",
        app(
            "workers = app.control.inspect()  #: app.control.inspect()\n"
            "workers.active()  #: app.control.inspect()"
        ),
    ),
    Case(
        "app.control.purge()",
        "No command empties a queue",
        app("app.control.purge()  #: app.control.purge()"),
    ),
    Case(
        "app.control, other commands",
        "no workers to control",
        app('app.control.add_consumer("slow")  #: app.control, other commands'),
    ),
    Case(
        "task_prerun, before_task_publish",
        "task_started",
        received("task_prerun", "task_prerun, before_task_publish"),
    ),
    Case(
        "task_postrun, task_success, task_failure",
        "task_finished",
        received("task_failure", "task_postrun, task_success, task_failure"),
    ),
    Case(
        "task_retry, task_revoked, task_rejected, task_unknown",
        "no such signal",
        received("task_retry", "task_retry, task_revoked, task_rejected, task_unknown"),
    ),
    Case(
        "worker_process_init and other signals of processes",
        "AppConfig.ready()",
        received("worker_process_init", "worker_process_init and other signals of processes"),
    ),
    Case(
        "setup_logging, after_setup_logger",
        "Configure `LOGGING`",
        received("setup_logging", "setup_logging, after_setup_logger"),
    ),
    Case(
        "app.on_after_configure.connect",
        "AppConfig.ready()",
        app(
            "@app.on_after_configure.connect  #: app.on_after_configure.connect\ndef setup(sender, **kwargs): ..."
        ),
    ),
    Case(
        "add_periodic_task()",
        'OPTIONS["schedules"]',
        app(
            "@app.task  #: @ & a task outside of an app's tasks module\n"
            "def clean(days):\n    return days\n\n"
            "@app.on_after_finalize.connect  #: app.on_after_configure.connect\n"
            "def setup(sender, **kwargs):\n"
            "    sender.add_periodic_task(600.0, clean.s(3))  #: add_periodic_task() & f.s(), f.si(), signature()"
        ),
    ),
    Case(
        "crontab(), schedule(), solar()",
        '@task(schedule=cron("0 3 * * *", timezone="Europe/Zurich"))',
        """
        # file: orders/times.py
        from celery.schedules import crontab
        NIGHTLY = crontab(hour=3, minute=0)  #: crontab(), schedule(), solar()
        """,
    ),
    Case(
        "django_celery_beat",
        "each enabled row of PeriodicTask",
        """
        # file: orders/views.py
        from django_celery_beat.models import PeriodicTask
        PeriodicTask.objects.create(name="x", task="billing.invoice")  #: django_celery_beat
        # file: shop/settings.py
        INSTALLED_APPS = ["django_celery_beat"]  #: django_celery_beat
        """,
    ),
    Case(
        "celery.contrib.testing, celery_app, celery_worker in tests",
        "Use the fixture `offload`",
        """
        # file: conftest.py
        pytest_plugins = ("celery.contrib.pytest",)  #: celery.contrib.testing, celery_app, celery_worker in tests
        # file: orders/tests.py
        from celery.contrib.testing.worker import start_worker

        def test_fee(celery_worker):
            with start_worker(None):  #: celery.contrib.testing, celery_app, celery_worker in tests
                celery_worker.reload()  #: celery.contrib.testing, celery_app, celery_worker in tests
        """,
    ),
    Case(
        "celery.contrib.abortable, batches and other extras",
        "context.cancelled",
        """
        # file: orders/views.py
        from celery.contrib.abortable import AbortableAsyncResult
        AbortableAsyncResult("1").abort()  #: celery.contrib.abortable, batches and other extras
        """,
    ),
    Case(
        "sentry_sdk.integrations.celery and other integrations",
        "AWS Lambda",
        """
        # file: shop/settings.py
        from sentry_sdk.integrations.celery import CeleryIntegration
        init([CeleryIntegration()])  #: sentry_sdk.integrations.celery and other integrations
        """,
    ),
    Case(
        "a task or Celery's app in a string",
        "a task is frozen",
        """
        from celery import shared_task

        @shared_task  #: @
        def fee(order: int): ...

        # file: orders/tests.py
        from unittest.mock import patch

        @patch("orders.tasks.fee.delay")  #: a task or Celery's app in a string
        def test_view(delay): ...
        """,
    ),
    Case(
        "Celery in a string, such as a command or a logger",
        "Remove the command",
        """
        # file: shop/run.py
        import subprocess
        subprocess.run(["celery", "-A", "shop", "worker"])  #: Celery in a string, such as a command or a logger
        """,
    ),
    Case(
        "Celery in other files",
        "Remove the processes",
        """
        # file: Procfile
        worker: celery -A shop worker  #: Celery in other files
        """,
    ),
    Case(
        "app.start(), app.worker_main(), app.Worker",
        "offload_local",
        app('app.worker_main(["worker"])  #: app.start(), app.worker_main(), app.Worker'),
    ),
    Case(
        "app.connection(), kombu, events",
        "There is no broker",
        app("with app.connection() as connection:  #: app.connection(), kombu, events\n    pass"),
    ),
    Case(
        "celery.utils",
        "str(uuid.uuid4())",
        """
        # file: orders/views.py
        from celery import uuid
        key = uuid()  #: celery.utils
        """,
    ),
    Case("app.now(), app.timezone", "timezone.now()", app("at = app.now()  #: app.now(), app.timezone")),
    Case(
        "if Celery is installed",
        "Remove the import",
        """
        # file: orders/views.py
        try:
            import celery  #: if Celery is installed
        except ImportError:
            pass
        """,
    ),
)
