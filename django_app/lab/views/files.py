"""Serve the files of a run to visitors who may read it."""

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from django_offload.http import readable

from .. import files
from ..mandelbrot import TILE_FILES
from ..photos import PHOTO_FILES
from ..reports.chart import LOOKS
from ..runs import is_remembered
from .pictures import PICTURES
from .reports import IN_REQUEST

# The files that a run may have. A requested name becomes part of a path only if it is listed here.
FILE_NAMES = frozenset({*LOOKS, "report.csv", *PHOTO_FILES, *TILE_FILES})
# Runs that aren't a single task. The session contains the visitor's own.
SESSION_KINDS = (IN_REQUEST, PICTURES)


@require_safe
def run_file(request: HttpRequest, run: str, name: str) -> HttpResponse:
    """Serve one file, as a download with `?download`. Raise Http404 if this visitor has no such file."""
    if name not in FILE_NAMES:
        raise Http404
    if not any(is_remembered(request, kind, run) for kind in SESSION_KINDS) and not readable(request, run):
        raise Http404
    data = files.get(run, name)
    if data is None:
        raise Http404
    headers = {
        "Cache-Control": "private, max-age=3600",
        # A browser that opens a chart by its address must not run or load anything in it.
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    disposition = content_disposition_header("download" in request.GET, name)
    if disposition:
        headers["Content-Disposition"] = disposition
    return HttpResponse(data, content_type=files.content_type(name), headers=headers)
