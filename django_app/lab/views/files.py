"""The files of a run, for whoever may read it."""

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from django_offload.http import readable

from .. import files
from ..mandelbrot import TILE_FILES
from ..photos import PHOTO_FILES
from ..reports.chart import LOOKS
from ..runs import remembered
from .pictures import PICTURES
from .reports import IN_REQUEST

# What a run may own: a name asked for is looked up here, never put together into a path.
KNOWN = frozenset({*LOOKS, "report.csv", *PHOTO_FILES, *TILE_FILES})
# Runs that are no single task: the session says whose they are.
OF_SESSION = (IN_REQUEST, PICTURES)


@require_safe
def run_file(request: HttpRequest, run: str, name: str) -> HttpResponse:
    """Serve one file, to be saved with `?download`. Raise Http404 if there is none for this visitor."""
    data = files.get(run, name) if name in KNOWN and _allowed(request, run) else None
    if data is None:
        raise Http404
    headers = {
        "Cache-Control": "private, max-age=3600",
        # A picture opened by its address is a document of ours: nothing in it may run or load.
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    disposition = content_disposition_header("download" in request.GET, name)
    if disposition:
        headers["Content-Disposition"] = disposition
    return HttpResponse(data, content_type=files.content_type(name), headers=headers)


def _allowed(request: HttpRequest, run: str) -> bool:
    return any(remembered(request, kind, run) for kind in OF_SESSION) or readable(request, run)
