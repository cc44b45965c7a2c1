"""Migrations, run in a function that reaches the database, before new code is used."""

import json
from io import StringIO
from typing import Any

from django.conf import settings
from django.core.management import call_command

from ..exceptions import DatabaseNotShared, UnknownEvent

# The only event that this function accepts, so that the right to invoke it is the right to this alone.
EVENT = {"do": "migrate"}


def handler(event: object, context: object) -> dict[str, Any]:
    """
    Apply every migration that isn't applied, and return the lines that Django prints.

    Raise UnknownEvent for any other event, and DatabaseNotShared if no other function would see the tables.
    """
    if type(event) is not dict or event != EVENT:
        raise UnknownEvent("migrate", f"the event {json.dumps(EVENT)}")
    aliases = not_shared()
    if aliases:
        raise DatabaseNotShared(aliases)
    output = StringIO()
    call_command("migrate", interactive=False, no_color=True, stdout=output)
    return {"said": output.getvalue().splitlines()}


def not_shared() -> list[str]:
    """Return the aliases of databases on a disk, which deployed functions don't share."""
    if settings.DEBUG:
        return []
    return [
        alias
        for alias, database in settings.DATABASES.items()
        if str(database.get("ENGINE", "")).endswith(("sqlite3", "spatialite"))
    ]
