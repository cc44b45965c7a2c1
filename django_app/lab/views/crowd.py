"""Other visitors: eight of them start work, and the page asks for a trivial one meanwhile."""

from threading import Lock

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from ..crowd import PATHS, VISITORS, Address, Crowd
from ..sizes import SizeForm

TRIVIAL = "<!doctype html><html lang=en><title>A trivial page</title><p>Nothing here takes any time."


class CrowdForm(SizeForm):
    """What is posted to let the visitors in."""

    way = forms.ChoiceField(choices=[(way, way) for way in PATHS])


class _Door:
    """The visitors of this process: one crowd at a time."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._crowd: Crowd | None = None

    def enter(self, crowd: Crowd) -> bool:
        """Let a crowd in unless another is there."""
        with self._lock:
            if self.waiting:
                return False
            self._crowd = crowd
            return True

    @property
    def waiting(self) -> int:
        """How many of the crowd have no result yet."""
        return 0 if self._crowd is None else self._crowd.waiting

    @property
    def refused(self) -> int:
        """How many of the crowd went away without a result."""
        return 0 if self._crowd is None else self._crowd.refused


door = _Door()


@require_POST
def begin(request: HttpRequest) -> JsonResponse:
    """Have eight visitors run a report one way; 202 once they press the button, 409 while others do."""
    if settings.DEPLOYED:
        # A function serves one request at a time, and nobody may have a deployed site call itself.
        raise Http404
    form = CrowdForm(request.POST)
    if not form.is_valid():
        return JsonResponse({"problem": form.problem}, status=400)
    address = Address(int(request.META["SERVER_PORT"]), request.get_host())
    crowd = Crowd(address, form.cleaned_data["way"], form.cleaned_data["orders"])
    if not door.enter(crowd):
        return JsonResponse({"problem": "Other visitors are here still. Try again shortly."}, status=409)
    try:
        crowd.begin()
    except TimeoutError as exc:
        return JsonResponse({"problem": str(exc)}, status=503)
    return JsonResponse({"visitors": VISITORS}, status=202)


@never_cache
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Answer with next to nothing, with how many visitors still wait, and how many went without a report."""
    waiting, refused = door.waiting, door.refused
    headers = {"Visitors-Waiting": str(waiting), "Visitors-Refused": str(refused)}
    return HttpResponse(TRIVIAL, headers=headers)
