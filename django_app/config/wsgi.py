"""The WSGI application, for servers and for Zappa."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from lab.thread_limit import ThreadLimit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = ThreadLimit(get_wsgi_application(), settings.SERVER_THREADS)
