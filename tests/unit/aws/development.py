"""A project whose processes are in debug mode: its stack, and the least of its TASKS."""

STACK = "shop-dev"
TASKS = {"default": {"BACKEND": "django_offload.backends.SQSBackend", "OPTIONS": {"stack": STACK}}}
