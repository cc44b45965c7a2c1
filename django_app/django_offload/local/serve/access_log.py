"""The access log of the site that offload_local runs, without the requests that our own pages repeat."""

import logging
import re

from ...protocol.enqueued_task import ID_PATTERN

# Set by offload_local for its web server.
ENV_LOCAL_SITE = "OFFLOAD_LOCAL_SITE"
# A page asks for the status of its task every second, and the task board keeps itself up to date.
OWN_REQUEST = re.compile(rf"GET \S*/(?:{ID_PATTERN}/(?:progress/)?|django_offload/task/\S*)(?:\?\S*)? HTTP/")
SUCCESS = ("2", "3")


class WithoutOwnRequests(logging.Filter):
    """Hides successful requests for a task's status and for the board in the log of runserver."""

    def filter(self, record: logging.LogRecord) -> bool:
        match record.args:
            case (str(request_line), str(status), *_) if status.startswith(SUCCESS):
                return OWN_REQUEST.match(request_line) is None
        return True
