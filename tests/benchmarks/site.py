"""Settings of a small site whose tasks do nothing; each process that measures reads them."""

import os
import tempfile

SECRET_KEY = "of-benchmarks-only"
USE_TZ = True
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django_offload"]
# Only where it is measured: nothing else needs a table.
if os.environ.get("BENCHMARK_OUTBOX"):
    INSTALLED_APPS.append("django_offload.outbox")
# As Celery's worker is started: what each task logs is a site's choice.
LOGGING = {"version": 1, "disable_existing_loggers": False, "loggers": {"django": {"level": "ERROR"}}}
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}


def offload(**options: object) -> dict[str, object]:
    """Return an entry of TASKS for our backend."""
    return {
        "BACKEND": "django_offload.backends.SQSBackend",
        "QUEUES": ["default"],
        "OPTIONS": {"stack": "bench", "modules": ["tests.benchmarks.tasks"], **options},
    }


CLIENT = os.environ.get("BENCHMARK_CLIENT", "lean")
TASKS = {"default": offload(client=CLIENT, record_at_enqueue=not os.environ.get("BENCHMARK_NO_RECORD"))}
# Only where they are measured, for they are not installed with us.
if other := os.environ.get("BENCHMARK_OTHER"):
    INSTALLED_APPS.append(
        {"db": "django_tasks_db", "sqs": "django_tasks_sqs", "lambda": "lambda_tasks"}[other]
    )
    TASKS |= {
        "db": {"BACKEND": "django_tasks_db.DatabaseBackend"},
        "sqs": {
            "BACKEND": "django_tasks_sqs.SQSBackend",
            "OPTIONS": {
                "queue_urls": {"default": "https://sqs.us-east-1.amazonaws.com/123456789012/bench-default"}
            },
        },
    }
    if other == "db":
        DATABASES["default"]["NAME"] = tempfile.mkdtemp(prefix="benchmark-") + "/db.sqlite3"
    LAMBDA_TASKS_QUEUES = {"default": {"queue_url": "https://sqs.us-east-1.amazonaws.com/123456789012/bench"}}
