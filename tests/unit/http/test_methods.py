"""Every view takes its own methods, and a POST only with the CSRF token."""

import pytest
from django.urls import get_resolver

from django_offload.http.openapi.document import patterns
from tests.unit import tasks

UNSAFE = ("PUT", "PATCH", "DELETE", "PROPFIND", "TRACE", "CONNECT", "LOCK")
# Of the whole reference site, the pages of the library, of its board, and of the site itself.
PATHS = [
    path
    for path, _parameters, _pattern in patterns(get_resolver("config.urls"))
    if not path.startswith("/admin/") or path.startswith("/admin/django_offload/")
]
# Django's own, which show or change nothing: a task can be neither added nor deleted in the admin.
OF_DJANGO = {
    "/admin/django_offload/task/add/",
    "/admin/django_offload/task/{object_id}/delete/",
    "/admin/django_offload/task/{object_id}/",
}


@pytest.fixture
def task_id(ours, offload):
    return tasks.send.enqueue(1).id


def filled(path, task_id):
    names = {"task_id": task_id, "run": task_id, "object_id": task_id, "name": "report.csv"}
    return path.format(**names)


def test_t07_a_view_refuses_the_methods_that_it_does_not_have(visitor, task_id, offload):
    staff = visitor("ada", is_staff=True, is_superuser=True).client
    answers = {
        (method, path): staff.generic(method, filled(path, task_id))
        for path in PATHS
        for method in UNSAFE
        if path not in OF_DJANGO
    }

    assert len(answers) > 100
    assert {key: answer.status_code for key, answer in answers.items() if answer.status_code != 405} == {}
    assert all(answer.headers["Allow"] for answer in answers.values())
    assert offload.run() == 1  # The task, which nobody cancelled, and no other one.


def test_t07_a_post_without_the_csrf_token_changes_nothing(visitor, task_id, offload):
    staff = visitor("ada", is_staff=True, is_superuser=True, csrf=True).client

    answers = {path: staff.post(filled(path, task_id)).status_code for path in PATHS}

    assert {path: status for path, status in answers.items() if status not in {403, 405}} == {}
    assert offload.run() == 1
