"""The answer to a request that Django refuses: one that it can't read, may not show, or finds nothing for."""

from django.conf import settings
from django.core.exceptions import (
    BadRequest,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.core.handlers.exception import response_for_exception
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from .arguments import prefers_html
from .errors import error, json_errors

# Django answers 400, 403 or 404 to all but the last, which is about the client's connection too.
REFUSALS = (
    *(BadRequest, Http404, MultiPartParserError, PermissionDenied, SuspiciousOperation),
    UnreadablePostError,
)


def refusal(request: HttpRequest, exc: Exception) -> HttpResponse:
    """
    Return Django's answer to one of REFUSALS: the site's own page.

    A script gets JSON for a malformed request. Call this where the exception is handled. Django logs it, and
    chooses the status.
    """
    if isinstance(exc, UnreadablePostError):
        exc = BadRequest("The request ended before all of it arrived.")  # Django would answer 500.
    if isinstance(exc, BadRequest):
        request.encoding = "utf-8"  # A page that shows the error looks into the query and the form.
    response: HttpResponse = response_for_exception(request, exc)
    if isinstance(exc, Http404 | PermissionDenied) or prefers_html(request):
        return response
    response.content = json_errors(error(sentence(exc), "malformed"), 400).content
    response["Content-Type"] = "application/json"
    return response


def sentence(exc: Exception) -> str:
    """Return what is wrong with a request, and what to do. Quote nothing of it."""
    match exc:
        case RequestDataTooBig():
            size = filesizeformat(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
            return _("The request is larger than %(size)s. Send less.") % {"size": size}
        case TooManyFieldsSent():
            most = settings.DATA_UPLOAD_MAX_NUMBER_FIELDS
            return _("The form has more than %(most)d fields. Send fewer.") % {"most": most}
        case TooManyFilesSent():
            most = settings.DATA_UPLOAD_MAX_NUMBER_FILES
            return _("The form has more than %(most)d files. Send fewer.") % {"most": most}
        case MultiPartParserError():
            return _(
                "The form can't be read. Send it as its Content-Type says, with the boundary that it names."
            )
        case _:
            return _("The request can't be read. Send it as UTF-8, and all of it.")
