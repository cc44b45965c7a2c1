"""Settings as startproject writes them, and ours."""

import os

from tests.versions.mail import mail_settings

SITE = "tests.unit.worker.start_site"
SECRET_KEY = "of-tests-only"
ALLOWED_HOSTS = ["shop.example"]
globals().update(mail_settings("admins@shop.example"))
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_offload",
    "django_offload.effects",
    "django_offload.outbox",
    SITE,
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
ROOT_URLCONF = f"{SITE}.urls"
FORCE_SCRIPT_NAME = None
PROCESSORS = [
    "django.template.context_processors.request",
    "django.contrib.auth.context_processors.auth",
    "django.contrib.messages.context_processors.messages",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": PROCESSORS},
    }
]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
STATIC_URL = "static/"
USE_TZ = True
TASKS = {
    "default": {
        "BACKEND": "django_offload.backends.SQSBackend",
        "OPTIONS": {"stack": "start-site", "client": os.environ.get("CLIENT", "lean")},
    }
}
