"""Other visitors: start eight of them, and answer the trivial page that the browser opens meanwhile."""

from threading import Lock

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from ..crowd import PATHS, VISITORS, Address, Crowd
from ..sizes import SizeForm

TRIVIAL = "<!doctype html><html lang=en><title>A trivial page</title><p>This page needs no work."


class CrowdForm(SizeForm):
    """The form that starts the visitors."""

    way = forms.ChoiceField(choices=[(way, way) for way in PATHS])


class CurrentCrowd:
    """The visitors in this process: one crowd at a time."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.crowd: Crowd | None = None

    def replace(self, crowd: Crowd) -> bool:
        """Make `crowd` the current one, unless visitors of another are still waiting. Return True if done."""
        with self._lock:
            if self.waiting:
                return False
            self.crowd = crowd
            return True

    @property
    def waiting(self) -> int:
        """How many visitors have no result yet."""
        return 0 if self.crowd is None else self.crowd.waiting

    @property
    def refused(self) -> int:
        """How many visitors got no report in the end."""
        return 0 if self.crowd is None else self.crowd.refused


current = CurrentCrowd()


@require_POST
def start(request: HttpRequest) -> JsonResponse:
    """
    Start eight visitors who request a report in one way.

    Return 202 as soon as they press the button, or 409 while other visitors are still waiting.
    """
    if settings.DEPLOYED:
        # A function serves one request at a time, and nobody may make a deployed site call itself.
        raise Http404
    form = CrowdForm(request.POST)
    if not form.is_valid():
        return JsonResponse({"problem": form.first_error}, status=400)
    address = Address(int(request.META["SERVER_PORT"]), request.get_host())
    crowd = Crowd(address, form.cleaned_data["way"], form.cleaned_data["orders"])
    if not current.replace(crowd):
        return JsonResponse({"problem": "Other visitors are still waiting. Try again shortly."}, status=409)
    try:
        crowd.start()
    except TimeoutError as exc:
        return JsonResponse({"problem": str(exc)}, status=503)
    return JsonResponse({"visitors": VISITORS}, status=202)


@never_cache
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Answer with a tiny page. Its headers say how many visitors are waiting, and how many got no report."""
    waiting, refused = current.waiting, current.refused
    headers = {"Visitors-Waiting": str(waiting), "Visitors-Refused": str(refused)}
    return HttpResponse(TRIVIAL, headers=headers)
