"""Settings of the reference site. Each environment variable has a default that suits a laptop."""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from config.database import from_url

try:
    from django.utils.csp import CSP
except ImportError:  # Django 5.2 has neither this nor tasks.
    from config.csp import CSP  # type: ignore[assignment]

    CSP_MIDDLEWARE, CSP_CONTEXT = "config.csp.content_security_policy", "config.csp.nonce"
    TASKS_APPS = ["django_tasks"]
else:
    CSP_MIDDLEWARE = "django.middleware.csp.ContentSecurityPolicyMiddleware"
    CSP_CONTEXT = "django.template.context_processors.csp"
    TASKS_APPS = []

BASE_DIR = Path(__file__).resolve().parent.parent
ROOT = BASE_DIR.parent

# Every function has AWS_EXECUTION_ENV, and only a local one has AWS_ENDPOINT_URL too. So a deployed site is
# never in debug mode by accident.
DEPLOYED = "AWS_EXECUTION_ENV" in os.environ and "AWS_ENDPOINT_URL" not in os.environ
DEBUG = os.environ.get("DEBUG", "0" if DEPLOYED else "1") == "1"
SECRET_KEY = os.environ.get("SECRET_KEY", "insecure-and-for-development-only" if DEBUG else "")
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "SECRET_KEY is not set. Set it in the environment, the same for web and workers."
    )
ALLOWED_HOSTS = [host for host in os.environ.get("ALLOWED_HOSTS", "").split(",") if host]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django_offload",
    "django_offload.effects",
    "django_offload.outbox",
    "lab",
    *TASKS_APPS,
]

# How many requests the site serves at a time: what gunicorn's guide recommends for two processors.
SERVER_THREADS = int(os.environ.get("SERVER_THREADS", "4"))

MIDDLEWARE = [
    "lab.timing.ServerTimingMiddleware",
    "django.middleware.security.SecurityMiddleware",
    CSP_MIDDLEWARE,
    "lab.private_answers.private_answers",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_offload.middleware.OwnerMiddleware",
    "lab.aws_away.AWSAwayMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

SECURE_CSP = {
    "default-src": [CSP.SELF],
    "style-src": [CSP.SELF, CSP.NONCE],  # Some of the admin's own templates contain styles.
    "object-src": [CSP.NONE],
    "base-uri": [CSP.NONE],
    "form-action": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
}

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                CSP_CONTEXT,
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    },
]

# Each stage has a stack of its own. offload_deploy sets OFFLOAD_STAGE.
STACK = f"lab-{os.environ.get('OFFLOAD_STAGE', 'dev')}"
# For one invocation. A photo of 40 million pixels takes 160 MB, and its processing needs some copies.
QUEUES = {"reports": {"timeout": 120, "memory": 1024}, "photos": {"timeout": 60, "memory": 1024}}
# "history" costs one more write unit per task. With it the board also lists successful tasks, for visitors.
# Each of the sweeper's "shards" takes 1,000 writes a second, which are 500 tasks.
TASKS = {
    "default": {
        "BACKEND": "django_offload.backends.SQSBackend",
        "QUEUES": ["default", "reports", "photos"],
        "OPTIONS": {"stack": STACK, "queues": QUEUES, "history": True, "shards": 32},
    },
    "direct": {
        "BACKEND": "django_offload.backends.LambdaBackend",
        "QUEUES": ["default", "reports", "photos"],
        "OPTIONS": {"stack": STACK, "queues": QUEUES, "history": True, "shards": 32},
    },
}

# Orders in the report on the first page. More orders keep your machine busy for longer.
LAB_ORDERS = int(os.environ.get("LAB_ORDERS", "200000"))
DATABASE = Path(os.environ.get("LAB_DATABASE") or ROOT / ".offload" / "lab.sqlite3")
if DEBUG:
    DATABASE.parent.mkdir(parents=True, exist_ok=True)
DATABASES = {
    "default": from_url(os.environ["DATABASE_URL"])
    if os.environ.get("DATABASE_URL")
    else {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": DATABASE,
        # The web process writes sessions while workers read orders. A write-ahead log allows both at once.
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
    },
}

FILE_UPLOAD_HANDLERS = [
    "lab.uploads.LimitedUploadHandler",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]

# An address may have a token, which no page may send on. CSRF checks need the origin.
SECURE_REFERRER_POLICY = "strict-origin"
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
if not DEBUG:
    # Files in the package have names that change with their contents, so browsers may cache them forever.
    MIDDLEWARE.insert(2, "whitenoise.middleware.WhiteNoiseMiddleware")
    STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
    }
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = CSRF_COOKIE_HTTPONLY = True
    # Browsers take a cookie of this prefix from this host alone, so no neighbour can plant a session.
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
    SECURE_HSTS_SECONDS = 3600
    # Function URLs and API Gateway use only HTTPS, and this site can't decide for other hosts of its domain.
    SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W008", "security.W021"]
LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(process)d %(levelname)s %(name)s %(message)s"}},
    "handlers": {
        "stdout": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "line"}
    },
    "loggers": {
        # Django's own handler would write each line a second time.
        "django": {"handlers": [], "level": "INFO"},
        # Pages ask for a task's status every second. django.request logs failed requests.
        "django.server": {"handlers": [], "level": "ERROR", "propagate": True},
        "botocore": {"level": "WARNING"},
    },
    "root": {"handlers": ["stdout"], "level": "INFO"},
}
