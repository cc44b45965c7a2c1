"""The Mandelbrot picture: its tiles are enqueued in bulk, and followed and cancelled together."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from django_offload.compat import TaskResultStatus
from django_offload.http.views import cancel_task

from .. import runs
from ..mandelbrot import COLUMNS, PLACES, TILE_FILES, TILE_HEIGHT, TILE_WIDTH, TILES
from ..pictures import READ_AT_ONCE, Picture, enqueue_picture
from ..timing import timed

PICTURES = "pictures"


@require_http_methods(["GET", "HEAD", "POST"])
def pictures(request: HttpRequest) -> HttpResponse:
    """Enqueue the tiles of a picture (POST), or show the form and the visitor's pictures (GET)."""
    if request.method != "POST":
        return render_form(request)
    place = request.POST.get("place", "")
    if place not in PLACES:
        return render_form(request, f"Choose one of these places: {', '.join(PLACES)}.", 400)
    with timed(request, "enqueue", f"{TILES} tasks enqueued"):
        picture = enqueue_picture(place)
    runs.remember(request, PICTURES, picture, PLACES[place].label)
    context = {**describe(Picture.read(picture, most=0)), "answer": "picture"}
    response = render(request, "lab/picture.html", context, status=202)
    response.headers["Location"] = reverse("lab:picture-status", args=[picture])
    response.headers["Retry-After"] = "1"
    return response


@never_cache
@require_safe
def picture(request: HttpRequest, run: str) -> HttpResponse:
    """Show one picture. `?part=details` returns only the outcome."""
    context = describe(get_picture_or_404(request, run))
    part = request.GET.get("part") == "details"
    return render(request, "lab/_picture_details.html" if part else "lab/picture.html", context)


@never_cache
@require_safe
def status(request: HttpRequest, run: str) -> JsonResponse:
    """Return a picture's status in the format of a task's status, with the names of the finished tiles."""
    current = get_picture_or_404(request, run, READ_AT_ONCE)
    return JsonResponse(status_json(current), headers={"Retry-After": "1"})


@require_POST
def cancel(request: HttpRequest, run: str) -> HttpResponse:
    """Cancel every tile that isn't drawn yet."""
    for task_id in get_picture_or_404(request, run).pending:
        cancel_task(request, task_id)
    if "application/json" not in request.headers.get("Accept", ""):
        return redirect("lab:picture", run)
    return JsonResponse(status_json(get_picture_or_404(request, run)), status=202)


def get_picture_or_404(request: HttpRequest, run: str, most: int = TILES) -> Picture:
    if not runs.is_remembered(request, PICTURES, run):
        raise Http404
    try:
        return Picture.read(run, most)
    except LookupError as exc:
        raise Http404 from exc


def status_json(current: Picture) -> dict[str, Any]:
    done = len(current.arrived)
    return {
        "id": current.id,
        "status": current.status.value,
        "attempts": 1,
        "progress": {"done": done, "total": TILES, "message": f"{done} of {TILES} tiles are drawn"},
        "arrived": current.arrived,
    }


def describe(current: Picture) -> dict[str, Any]:
    """Return the template context of a picture."""
    arrived = set(current.arrived)
    return {
        "id": current.id,
        "status": current.status.value,
        "attempts": 1,
        "status_url": reverse("lab:picture-status", args=[current.id]),
        "cancel_url": reverse("lab:picture-cancel", args=[current.id]),
        "ended": not current.pending,
        "status_label": runs.STATUS_LABELS[TaskResultStatus(current.status)],
        "percent": current.percent,
        "place": PLACES[current.place],
        "tiles": [(name, name in arrived) for name in TILE_FILES],
        "drawn": len(arrived),
        "total": TILES,
        "tile": {"width": TILE_WIDTH, "height": TILE_HEIGHT, "columns": COLUMNS},
    }


def render_form(request: HttpRequest, problem: str = "", code: int = 200) -> HttpResponse:
    context = {
        "places": PLACES,
        "total": TILES,
        "problem": problem,
        "runs": runs.recent(request, PICTURES),
    }
    return render(request, "lab/pictures.html", context, status=code)
