"""Settings of a small site whose workers are killed; each process reads them."""

import os

SECRET_KEY = os.environ.get("SECRET_KEY", "of-tests-only")
DEBUG = False
USE_TZ = True
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django_offload",
    "django_offload.effects",
    "django_offload.outbox",
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("RELIABILITY_DATABASE", ":memory:"),
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;",
        },
    }
}
STACK = "killed"
TASKS = {
    "default": {
        "BACKEND": "django_offload.backends.SQSBackend",
        "OPTIONS": {
            "stack": STACK,
            "modules": ["tests.reliability.site_tasks"],
            # Short, so that what a killed worker held comes back soon: a lease ends 5 s after its
            # invocation, a message is visible again after 6 times the timeout.
            "queues": {"default": {"timeout": 3, "batch_size": 5, "max_concurrency": 2, "max_attempts": 50}},
        },
    }
}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"null": {"class": "logging.NullHandler"}},
    "root": {"handlers": ["null"], "level": "ERROR"},
}
