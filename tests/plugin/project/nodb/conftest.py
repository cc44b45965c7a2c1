"""What a project without pytest-django does by itself."""

import django

django.setup()
