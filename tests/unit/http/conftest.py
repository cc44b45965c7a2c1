"""Visitors of a task's pages."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from tests.unit.http.setup import Visitor
from tests.unit.http.site_of_pieces import shown


@pytest.fixture
def visitor(ours, offload, transactional_db):
    """Return a function that creates an anonymous visitor or a user. `permitted` may name one permission."""

    def make(name=None, *, permitted=False, csrf=False, **traits):
        client = Client(enforce_csrf_checks=csrf)
        if name is not None:
            user = User.objects.create_user(name, **traits)
            if permitted:
                permissions = Permission.objects.filter(content_type__app_label="django_offload")
                chosen = permissions if permitted is True else permissions.filter(codename=permitted)
                user.user_permissions.add(*chosen)
            client.force_login(user)
        return Visitor(client)

    return make


@pytest.fixture
def status_url():
    return lambda task_id: reverse("django_offload:status", args=[task_id])


@pytest.fixture
def page(rf, ours, offload):
    """Return a function that renders a page with a piece."""

    def render(source, request=None, **context):
        return shown(request or rf.get("/a/page/?of=mine"), source, **context).text

    return render
