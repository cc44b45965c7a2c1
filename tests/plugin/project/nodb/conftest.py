"""Set Django up, because this project does not use pytest-django."""

import django

django.setup()
