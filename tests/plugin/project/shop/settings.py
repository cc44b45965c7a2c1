"""Settings of a small project that uses the library."""

SECRET_KEY = "of these tests"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django_offload", "orders"]
MIDDLEWARE = ["django_offload.middleware.OwnerMiddleware"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
USE_TZ = True
TASKS = {
    "default": {
        "BACKEND": "django_offload.backends.SQSBackend",
        "QUEUES": ["default", "mail"],
        "OPTIONS": {"stack": "shop-test", "queues": {"mail": {"batch_size": 5}}},
    },
    "direct": {
        "BACKEND": "django_offload.backends.LambdaBackend",
        "QUEUES": ["default", "mail"],
        "OPTIONS": {"stack": "shop-test", "queues": {"mail": {"batch_size": 5}}},
    },
}
