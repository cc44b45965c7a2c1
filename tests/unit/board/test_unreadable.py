"""Staff can read and discard messages that did not verify, and nothing else in the bucket."""

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from django_offload.conf import configured
from django_offload.operations.unverified_bodies import act_on_body, unverified_body
from django_offload.payloads import payloads_of

UNREADABLE = "admin:django_offload_task_unreadable"
BODY = "dead/default/2026-01-01/1"
# The arguments of a task, a key that begins like the prefix, and no key.
OTHER_KEYS = ["payloads/2026-01-01/0123", "deadline", ""]


@pytest.fixture
def payloads(ada):
    payloads = payloads_of(configured()["default"])
    for key in filter(None, (BODY, *OTHER_KEYS)):  # No object in a bucket has an empty key.
        payloads.put(key, b"kept")
    return payloads


def test_a_discard_is_logged(ada, payloads):
    answer = ada.client.post(reverse(UNREADABLE), {"key": BODY})

    assert payloads.get(BODY) is None
    assert ada.messages_after(answer) == ["Discarded."]
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id, entry.is_deletion()) == (ada.user, BODY, True)
    assert entry.change_message == "Discard a message that did not verify: Discarded."


@pytest.mark.parametrize("key", OTHER_KEYS)
def test_no_other_key_of_the_bucket_is_discarded_or_shown(ada, payloads, key):
    (message,) = ada.messages_after(ada.client.post(reverse(UNREADABLE), {"key": key}))

    assert message.startswith("There is no message with this key. Run manage.py offload_dead list")
    assert not LogEntry.objects.exists()
    assert (act_on_body("discard", key).done, unverified_body(key)) == (False, None)
    assert {kept for kept in filter(None, (BODY, *OTHER_KEYS)) if payloads.get(kept) == b"kept"} == {
        BODY,
        *filter(None, OTHER_KEYS),
    }


def test_a_body_is_shown_only_with_its_permission(staff, payloads):
    payloads.put(BODY, b"4111-1111")
    address = f"{reverse(UNREADABLE)}?key={BODY}"

    may_not = staff("bob", "view_task", "discard_task").client.get(address).content.decode()
    may = staff("eve", "view_task", "view_message_body").client.get(address).content.decode()

    assert "4111-1111" not in may_not
    assert "You may not see the body, because it may contain sensitive arguments." in may_not
    assert "Ask for the permission <code>django_offload.view_message_body</code>." in may_not
    assert "Yes, discard it" in may_not
    assert ("4111-1111" in may, "You may not see the body" in may) == (True, False)
