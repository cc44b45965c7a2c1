"""Cases of settings, in each of the ways that projects write them."""

from .case import Case
from .processes import app


def settings(line: str, idiom: str) -> str:
    """Return Django's settings with this line."""
    return f"# file: shop/settings.py\n{line}  #: {idiom}\n"


CASES = (
    Case(
        "beat_schedule",
        "as TASKS below does",
        """
        # file: shop/settings.py
        CELERY_BEAT_SCHEDULE = {  #: beat_schedule
            "nightly": {"task": "orders.tasks.clean", "schedule": 600},
        }
        # file: shop/old.py
        CELERYBEAT_SCHEDULE = {}  #: beat_schedule
        """,
    ),
    Case(
        "an entry of beat_schedule that can't be moved as it is",
        "one minute",
        app(
            "app.conf.beat_schedule = {  #: beat_schedule\n"
            '    "often": {  #: an entry of beat_schedule that can\'t be moved as it is\n'
            '        "task": "orders.tasks.clean", "schedule": 2.0,\n    },\n}'
        ),
    ),
    Case(
        "options of an entry of beat_schedule",
        "Give the task its queue in the decorator",
        app(
            'app.conf.beat_schedule["x"] = {  #: beat_schedule\n'
            '    "task": "orders.tasks.clean", "schedule": 60,\n'
            '    "options": {"queue": "slow"},  #: options of an entry of beat_schedule\n}'
        ),
    ),
    Case(
        "beat_scheduler and other settings of beat",
        "EventBridge Scheduler",
        settings('CELERY_BEAT_SCHEDULER = "x"', "beat_scheduler and other settings of beat"),
    ),
    Case(
        "task_routes",
        'queue_name="…"',
        settings('CELERY_TASK_ROUTES = {"orders.tasks.*": {"queue": "slow"}}', "task_routes")
        + "# file: shop/old.py\nCELERY_ROUTES = {}  #: task_routes\n",
    ),
    Case(
        "task_queues, task_default_queue",
        'TASKS["default"]["QUEUES"]',
        "# file: shop/settings.py\nfrom kombu import Queue\n"
        'CELERY_TASK_QUEUES = [Queue("slow")]  #: task_queues, task_default_queue & app.connection(), kombu, events\n',
    ),
    Case(
        "task_always_eager, task_eager_propagates",
        "ImmediateBackend",
        """
        # file: shop/settings.py
        CELERY_ALWAYS_EAGER = True  #: task_always_eager, task_eager_propagates
        CELERY_TASK_EAGER_PROPAGATES = True  #: task_always_eager, task_eager_propagates
        # file: orders/tests.py
        @override_settings(CELERY_TASK_ALWAYS_EAGER=True)  #: task_always_eager, task_eager_propagates
        def test_fee(settings):
            settings.CELERY_TASK_ALWAYS_EAGER = True  #: task_always_eager, task_eager_propagates
        """,
    ),
    Case(
        "task_serializer, accept_content, result_serializer",
        "pass keys and text",
        settings('CELERY_TASK_SERIALIZER = "pickle"', "task_serializer, accept_content, result_serializer"),
    ),
    Case(
        "task_time_limit, task_soft_time_limit",
        '"timeout"',
        app(
            "app.conf.update(task_soft_time_limit=60)"
            "  #: app.config_from_object(), app.conf & task_time_limit, task_soft_time_limit"
        ),
    ),
    Case(
        "task_annotations, task_default_rate_limit",
        "in the decorator of each task",
        app(
            'app.conf.task_annotations = {"*": {"rate_limit": "1/s"}}  #: task_annotations, task_default_rate_limit'
        ),
    ),
    Case(
        "task_acks_late, task_track_started and the like",
        "runs again",
        settings("CELERY_TASK_ACKS_LATE = True", "task_acks_late, task_track_started and the like"),
    ),
    Case(
        "broker_url, broker_transport_options",
        "There is no broker",
        settings('CELERY_BROKER_URL = env("REDIS_URL")', "broker_url, broker_transport_options")
        + '# file: shop/old.py\nBROKER_URL = "redis://"  #: broker_url, broker_transport_options\n',
    ),
    Case(
        "result_backend",
        "Records are in DynamoDB",
        settings('CELERY_RESULT_BACKEND = "django-db"', "result_backend"),
    ),
    Case(
        "result_expires",
        "result_ttl",
        settings("CELERY_TASK_RESULT_EXPIRES = 3600", "result_expires"),
    ),
    Case(
        "worker_concurrency",
        "max_concurrency",
        """
        # file: shop/celery.py
        from celery import Celery
        app = Celery("shop")  #: Celery(), the app
        app.config_from_object("shop.celeryconfig")  #: app.config_from_object(), app.conf
        # file: shop/celeryconfig.py
        worker_concurrency = 4  #: worker_concurrency
        """,
    ),
    Case(
        "worker_max_tasks_per_child and other settings of workers",
        "Lambda starts and ends the processes",
        settings(
            "CELERYD_MAX_TASKS_PER_CHILD = 9", "worker_max_tasks_per_child and other settings of workers"
        ),
    ),
    Case(
        "timezone, enable_utc",
        '"timezone"',
        settings('CELERY_TIMEZONE = "Europe/Zurich"', "timezone, enable_utc"),
    ),
    Case(
        "imports, include",
        'OPTIONS["modules"]',
        """
        # file: shop/celery.py
        from celery import Celery

        class Config:
            imports = ("orders.jobs",)  #: imports, include

        app = Celery("shop")  #: Celery(), the app
        app.config_from_object(Config)  #: app.config_from_object(), app.conf
        """,
    ),
)
