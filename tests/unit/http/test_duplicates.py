"""A visitor whose call was a duplicate follows the first task, and reads nothing that belongs to others."""

import pytest
from django.contrib.auth.models import User
from django.template import Context, Template
from django.test import Client
from django.urls import reverse

from django_offload.compat import default_task_backend
from django_offload.conf import configured
from django_offload.stores import store_of
from tests.contract import unique_tasks as tasks
from tests.contract.setup import tasks_setting

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.unit.http.site_of_duplicates")]

SECRET = "of the first one alone"


class Visitor:
    """Somebody with a browser, or a client without cookies."""

    def __init__(self, name):
        self.client = Client()
        if name:
            self.client.force_login(User.objects.create_user(name))

    def start(self, order=SECRET):
        answer = self.client.post("/start/", {"order": order}, content_type="application/json")
        assert answer.status_code == 202
        return answer

    def status(self, address):
        return self.client.get(address)


@pytest.fixture
def site(settings, request):
    tasks.forget()
    settings.TASKS = tasks_setting(modules=["tests.contract.unique_tasks"])
    return request.getfixturevalue("offload")


def test_the_same_user_gets_the_first_task(site):
    ada = Visitor("ada")
    first, second = ada.start().json(), ada.start().json()

    assert second == {**first, "duplicate_of": first["id"]}
    site.run()
    address = reverse("django_offload:status", args=[first["id"]])
    assert ada.status(address).json()["return_value"] == SECRET
    assert len(store_of(configured()["default"]).records) == 2  # The task and its key.


def test_another_user_sees_how_far_it_is_and_not_what_it_returned(site):
    ada, bob = Visitor("ada"), Visitor("bob")
    first, answer = ada.start().json(), bob.start()
    second = answer.json()
    own = reverse("django_offload:status", args=[second["id"]])

    assert (second["id"] == first["id"], second["duplicate_of"]) == (False, first["id"])
    assert bob.status(own).json()["status"] == "READY"
    assert bob.status(own)["Retry-After"]
    # The first one's id is no key to it.
    assert bob.status(reverse("django_offload:status", args=[first["id"]])).status_code == 404
    cancel = bob.client.post(reverse("django_offload:cancel", args=[second["id"]]))
    assert (cancel.status_code, cancel.json()["status"], cancel.json()["duplicate_of"]) == (
        *(409, "READY", first["id"]),
    )
    assert site.run() == 1

    for address in (own, answer["Location"]):
        seen = bob.status(address)
        assert SECRET not in seen.text
        assert "return_value" not in seen.json()
        assert (seen.json()["status"], seen.json()["id"]) == ("SUCCESSFUL", second["id"])
    assert bob.client.get(f"/shows/{second['id']}/").status_code == 404
    assert ada.client.get(f"/shows/{first['id']}/").text == SECRET


def test_the_error_of_somebody_elses_task_is_not_shown(site):
    ada, bob = Visitor("ada"), Visitor("bob")
    ada.start()
    second = bob.start().json()
    site.fail_next(ValueError(SECRET))
    site.run()

    seen = bob.status(reverse("django_offload:status", args=[second["id"]]))

    assert (seen.json()["status"], "error" in seen.json()) == ("FAILED", False)
    assert SECRET not in seen.text


def test_a_duplicates_piece_follows_the_first_task(site, rf):
    ada, bob = Visitor("ada"), Visitor("bob")
    ada.start()
    second = bob.start().json()
    result = default_task_backend.get_result(second["id"])
    source = Template("{% load offload %}{% task_progress task %}")

    page = source.render(Context({"task": result, "request": rf.get("/")}))
    piece = reverse("django_offload:progress", args=[second["id"]])

    assert piece in page
    assert "Waiting to start" in page
    assert "Waiting to start" in source.render(Context({"task": second["id"], "request": rf.get("/")}))
    site.run()
    assert "Done" in bob.status(piece).text
    assert ada.status(piece).status_code == 404


def test_a_task_without_an_owner_is_not_given_to_one_who_has(site):
    first = tasks.sync.enqueue(SECRET)
    second = Visitor("bob").start().json()

    assert second["duplicate_of"] == first.id != second["id"]


@pytest.mark.parametrize("how", ["deleted", "hidden", "unreadable"])
def test_a_duplicate_whose_work_is_forgotten_says_so(site, how):
    ada, bob = Visitor("ada"), Visitor("bob")
    first, second = ada.start().json(), bob.start().json()
    site.run()
    records = store_of(configured()["default"]).records
    if how == "deleted":
        del records[first["id"]]
    else:  # Its result isn't kept any more, or somebody changed its record.
        records[first["id"]] |= {"hidden_at": 1_000_000_000} if how == "hidden" else {"fence": "one"}

    seen = bob.status(reverse("django_offload:status", args=[second["id"]])).json()

    assert (seen["status"], seen["duplicate_of"]) == ("FAILED", first["id"])
    assert seen["error"]["class"] == "django_offload.exceptions.Duplicate"
