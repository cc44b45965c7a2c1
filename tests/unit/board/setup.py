"""A staff user who works with the board."""

from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse


class Staff:
    """A staff user with a browser."""

    def __init__(self, client: Client, user: User) -> None:
        self.client, self.user = client, user

    def see(self, slug: str = "underway", **query: Any) -> Any:
        """Open a list."""
        address = reverse("admin:django_offload_task_changelist")
        return self.client.get(f"{address}?{urlencode({'list': slug, **query})}")

    def ids(self, slug: str = "underway", **query: Any) -> list[str]:
        """Return the ids on a page of a list, in order."""
        return [record.enqueued.id for record, _ in self.see(slug, **query).context["page"].records]

    def open(self, task_id: str) -> Any:
        """Open the page of a task."""
        return self.client.get(reverse("admin:django_offload_task_change", args=[task_id]))

    def act(self, action: str, *ids: str, confirmed: bool = True, **more: str) -> Any:
        """Run an action on tasks, as the page that asks for confirmation does."""
        data = {"action": action, "id": ids, **more, **({"confirmed": "yes"} if confirmed else {})}
        return self.client.post(reverse("admin:django_offload_task_act"), data)

    def messages_after(self, answer: Any) -> list[str]:
        """Return the messages on the page that an answer redirects to."""
        return [str(message) for message in self.client.get(answer["Location"]).context["messages"]]
