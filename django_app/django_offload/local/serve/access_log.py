"""The access log of the site that offload_local runs, without the requests that our own pages repeat."""

import logging
import re

from django.urls import Resolver404, resolve

from ...protocol.enqueued_task import ID_PATTERN

# Set by offload_local for its web server.
ENV_LOCAL_SITE = "OFFLOAD_LOCAL_SITE"
# A page asks for the status of its task every second, and the task board keeps itself up to date.
OWN_REQUEST = re.compile(
    rf"GET (?P<path>/\S*?(?:{ID_PATTERN}/(?:progress/)?|django_offload/task/[^\s?]*))(?:\?\S*)? HTTP/"
)
APP, BOARD = "django_offload", "django_offload_task_"
SUCCESS = ("2", "3")


class WithoutOwnRequests(logging.Filter):
    """Hides successful requests for a task's status and for the board in the log of runserver."""

    def filter(self, record: logging.LogRecord) -> bool:
        match record.args:
            case (str(request_line), str(status), *_) if status.startswith(SUCCESS):
                found = OWN_REQUEST.match(request_line)
                return found is None or not leads_to_the_library(found["path"])
        return True


def leads_to_the_library(path: str) -> bool:
    """Return True if the view is the library's: a page of the project may have the id of a task too."""
    try:
        found = resolve(path)
    except Resolver404:
        return False
    return APP in found.app_names or (found.url_name or "").startswith(BOARD)
