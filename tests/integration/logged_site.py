"""Settings of a small site that runserver serves, with Django's own logging."""

from tests.integration.lean_site import *  # noqa: F403

DEBUG = True
ROOT_URLCONF = "tests.contract.status_site"
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
