"""The Mandelbrot picture: enqueued in bulk, followed as one, cancelled as one."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.tasks import TaskResultStatus
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from django_offload.http.views import cancel_task

from .. import runs
from ..mandelbrot import COLUMNS, PLACES, TILE_FILES, TILE_HEIGHT, TILE_WIDTH, TILES
from ..pictures import READ_AT_ONCE, Picture, begin
from ..timing import timed

PICTURES = "pictures"


def pictures(request: HttpRequest) -> HttpResponse:
    """Enqueue the tiles of a picture (POST), or show the form and the visitor's pictures (GET)."""
    if request.method != "POST":
        return _form(request)
    place = request.POST.get("place", "")
    if place not in PLACES:
        return _form(request, f"Choose one of these places: {', '.join(PLACES)}.", 400)
    with timed(request, "enqueue", f"{TILES} tasks enqueued"):
        picture = begin(place)
    runs.remember(request, PICTURES, picture, PLACES[place].words)
    context = {**_described(Picture.find(picture, most=0)), "answer": "picture"}
    response = render(request, "lab/picture.html", context, status=202)
    response.headers["Location"] = reverse("lab:picture-status", args=[picture])
    response.headers["Retry-After"] = "1"
    return response


@never_cache
@require_safe
def picture(request: HttpRequest, run: str) -> HttpResponse:
    """Follow one picture; `?part=details` gives only what it comes to in the end."""
    context = _described(_found(request, run))
    part = request.GET.get("part") == "details"
    return render(request, "lab/_picture_details.html" if part else "lab/picture.html", context)


@never_cache
@require_safe
def status(request: HttpRequest, run: str) -> JsonResponse:
    """Tell how a picture is doing, in the words of a task's status, with the tiles that are there."""
    found = _found(request, run, READ_AT_ONCE)
    return JsonResponse(_status_of(found), headers={"Retry-After": "1"})


@require_POST
def cancel(request: HttpRequest, run: str) -> HttpResponse:
    """Cancel every tile that is not drawn."""
    for task_id in _found(request, run).pending:
        cancel_task(request, task_id)
    if "application/json" not in request.headers.get("Accept", ""):
        return redirect("lab:picture", run)
    return JsonResponse(_status_of(_found(request, run)), status=202)


def _found(request: HttpRequest, run: str, most: int = TILES) -> Picture:
    if not runs.remembered(request, PICTURES, run):
        raise Http404
    try:
        return Picture.find(run, most)
    except LookupError as exc:
        raise Http404 from exc


def _status_of(found: Picture) -> dict[str, Any]:
    done = len(found.arrived)
    return {
        "id": found.id,
        "status": found.status.value,
        "attempts": 1,
        "progress": {"done": done, "total": TILES, "message": f"{done} of {TILES} tiles are drawn"},
        "arrived": found.arrived,
    }


def _described(found: Picture) -> dict[str, Any]:
    """Return what the page of a picture shows."""
    arrived = set(found.arrived)
    return {
        "id": found.id,
        "status": found.status.value,
        "attempts": 1,
        "status_url": reverse("lab:picture-status", args=[found.id]),
        "cancel_url": reverse("lab:picture-cancel", args=[found.id]),
        "ended": not found.pending,
        "words": runs.WORDS[TaskResultStatus(found.status)],
        "percent": found.percent,
        "place": PLACES[found.place],
        "tiles": [(name, name in arrived) for name in TILE_FILES],
        "drawn": len(arrived),
        "total": TILES,
        "tile": {"width": TILE_WIDTH, "height": TILE_HEIGHT, "columns": COLUMNS},
    }


def _form(request: HttpRequest, problem: str = "", code: int = 200) -> HttpResponse:
    context = {
        "places": PLACES,
        "total": TILES,
        "problem": problem,
        "runs": runs.recent(request, PICTURES),
    }
    return render(request, "lab/pictures.html", context, status=code)
