"""Staff at the board, over records in memory."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from django_offload.conf import configured
from django_offload.stores import store_of
from tests.unit.board.setup import Staff


@pytest.fixture
def staff(ours, offload, transactional_db):
    """Return a function that creates a staff user, with all permissions of the board or only those named."""

    def make(name="ada", *codenames, **traits):
        user = User.objects.create(username=name, is_staff=True, **traits)
        permissions = Permission.objects.filter(content_type__app_label="django_offload")
        user.user_permissions.add(*(permissions.filter(codename__in=codenames) if codenames else permissions))
        client = Client()
        client.force_login(user)
        return Staff(client, user)

    return make


@pytest.fixture
def ada(staff):
    return staff()


@pytest.fixture
def store(ours, offload):
    return store_of(configured()["default"])
