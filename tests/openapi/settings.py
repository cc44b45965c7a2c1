"""The reference site as it is deployed, with views that start tasks, and AWS in the memory of one process."""

import os

os.environ["DEBUG"] = "0"
os.environ.setdefault("SECRET_KEY", "of a site that runs for a minute")

from config.settings import *  # noqa: F403

ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "tests.openapi.site"
for backend in TASKS.values():  # noqa: F405
    backend["OPTIONS"] |= {"modules": ["tests.unit.tasks", "tests.contract.tasks"], "in_tests": "memory"}
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ["OPENAPI_DATABASE"],
        "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE"},
    }
}
# No files are collected here, and HTTPS is the business of a server in front.
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
MIDDLEWARE.remove("whitenoise.middleware.WhiteNoiseMiddleware")  # noqa: F405
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = False
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "sessionid", "csrftoken"  # The prefix of a deployed site needs HTTPS.
LOGGING = {"version": 1, "root": {"level": "CRITICAL"}}
