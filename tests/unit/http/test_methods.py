"""
Every view takes its own methods, and a POST only with the CSRF token.

The table of access (tests/unit/doors/access_table.py) has every usual method at every URL of the library.
Here are the pages of the reference site, and the methods that no form and no script sends.
"""

import pytest
from django.urls import get_resolver

from django_offload.http.openapi.document import patterns
from tests.unit import tasks

UNSAFE = ("PUT", "PATCH", "DELETE")
UNUSUAL = ("PROPFIND", "TRACE", "CONNECT", "LOCK")
PATHS = [path for path, _parameters, _pattern in patterns(get_resolver("config.urls"))]
BOARD = "/admin/django_offload/task/"
# Django's own, which show or change nothing: a task can be neither added nor deleted in the admin.
OF_DJANGO = {f"{BOARD}add/", f"{BOARD}{{object_id}}/delete/", f"{BOARD}{{object_id}}/"}
OF_THE_SITE = [path for path in PATHS if not path.startswith(("/admin/", "/tasks/"))]
OF_THE_LIBRARY = [path for path in PATHS if path.startswith(("/tasks/", BOARD)) and path not in OF_DJANGO]


@pytest.fixture
def task_id(ours, offload):
    return tasks.send.enqueue(1).id


def filled(path, task_id):
    names = {"task_id": task_id, "run": task_id, "object_id": task_id, "name": "report.csv"}
    return path.format(**names)


def test_t07_a_view_refuses_the_methods_that_it_does_not_have(visitor, task_id, offload):
    staff = visitor("ada", is_staff=True, is_superuser=True).client
    asked = [(method, path) for path in OF_THE_SITE for method in (*UNSAFE, *UNUSUAL)]
    asked += [(method, path) for path in OF_THE_LIBRARY for method in UNUSUAL]
    answers = {(method, path): staff.generic(method, filled(path, task_id)) for method, path in asked}

    assert len(answers) > 100
    assert {key: answer.status_code for key, answer in answers.items() if answer.status_code != 405} == {}
    assert all(answer.headers["Allow"] for answer in answers.values())
    assert offload.run() == 1  # The task, which nobody cancelled, and no other one.


def test_t07_a_post_without_the_csrf_token_changes_nothing(visitor, task_id, offload):
    staff = visitor("ada", is_staff=True, is_superuser=True, csrf=True).client

    answers = {path: staff.post(filled(path, task_id)).status_code for path in OF_THE_SITE}

    assert {path: status for path, status in answers.items() if status not in {403, 405}} == {}
    assert len([path for path, status in answers.items() if status == 403]) > 5
    assert offload.run() == 1
