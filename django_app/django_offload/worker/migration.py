"""Migrations, run where the database is reached: in a function, before new code is used."""

import json
from io import StringIO
from typing import Any

from django.conf import settings
from django.core.management import call_command

from ..exceptions import DatabaseNotShared, UnknownEvent

# The one event that this function takes: whoever may invoke it can do this and nothing else.
EVENT = {"do": "migrate"}


def handler(event: object, context: object) -> dict[str, Any]:
    """
    Apply every migration that is not applied, and return what Django says of each.

    Raise UnknownEvent for any event but one, DatabaseNotShared where nobody else would see the tables.
    """
    if event != EVENT:
        raise UnknownEvent("migrate", f"the event {json.dumps(EVENT)}")
    alone = not_shared()
    if alone:
        raise DatabaseNotShared(alone)
    said = StringIO()
    call_command("migrate", interactive=False, no_color=True, stdout=said)
    return {"said": said.getvalue().splitlines()}


def not_shared() -> list[str]:
    """Return the databases, by alias, that lie on a disk, which deployed functions do not share."""
    if settings.DEBUG:
        return []
    return [
        alias
        for alias, database in settings.DATABASES.items()
        if str(database.get("ENGINE", "")).endswith(("sqlite3", "spatialite"))
    ]
