"""The errors in an answer, by the field of the request that each is about."""

from collections.abc import Mapping

from django.http import HttpResponse, JsonResponse

from ..conf import shortened
from ..logs.escaping import printable

# With message and code, as Django's forms return them.
type Errors = Mapping[str, list[dict[str, str]]]

# The "field" of an error of the request as a whole.
WHOLE = "__all__"
# Of a name or a message in an answer. Both may quote a text of 2.5 MB, and Lambda returns 6 MB as JSON, in
# which a character has up to six.
MOST_CHARACTERS = 1_000


def error(message: str, code: str, field: str = WHOLE) -> Errors:
    """Return one error of a field, or of the request as a whole."""
    return {field: [{"message": message, "code": code}]}


def shortened_errors(errors: Errors) -> Errors:
    """Return the errors without the middle of long names and messages."""
    return {
        shortened(field, MOST_CHARACTERS): [
            {**problem, "message": shortened(problem["message"], MOST_CHARACTERS)} for problem in problems
        ]
        for field, problems in errors.items()
    }


def texts_of(errors: Errors) -> list[str]:
    """Return the message of each error, after the name of its field, as text that a page can encode."""
    return [
        printable(problem["message"] if field == WHOLE else f"{field}: {problem['message']}")
        for field, problems in errors.items()
        for problem in problems
    ]


def json_errors(errors: Errors, status: int) -> HttpResponse:
    """Return the answer of every view to a client that gets JSON, if its request has no other."""
    return JsonResponse({"errors": errors}, status=status)
