"""Photos: upload one, and follow its renditions as they arrive."""

from secrets import token_hex

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from .. import files, runs
from ..photos import FORMATS, LARGEST_PIXELS, RENDITIONS, PhotoRefused, check_photo
from ..tasks import photo_renditions
from ..uploads import LIMIT

LIMITS = {"megabytes": LIMIT // 1024**2, "megapixels": LARGEST_PIXELS // 1_000_000, "formats": FORMATS}


@require_http_methods(["GET", "HEAD", "POST"])
def photos(request: HttpRequest) -> HttpResponse:
    """Accept an upload (POST), or show the form and the visitor's photos (GET)."""
    if request.method != "POST":
        return render_form(request)
    upload = request.FILES.get("photo")
    if getattr(request, "upload_too_large", False):
        return render_form(
            request, f"The file is larger than {LIMITS['megabytes']} MB. Choose a smaller one.", 413
        )
    if upload is None:
        return render_form(request, "No file arrived. Choose a JPEG, PNG or WebP image.", 400)
    data = upload.read()
    try:
        check_photo(data)
    except PhotoRefused as exc:
        return render_form(request, str(exc), 400)
    original = token_hex(16)
    files.put(original, "original", data)
    result = photo_renditions.enqueue(original)
    runs.remember(request, "photos", result.id, (upload.name or "photo")[:60])
    context = {**runs.describe(result), "renditions": RENDITIONS, "answer": "photo"}
    return runs.mark_accepted(render(request, "lab/photo.html", context), result)


@never_cache
@require_safe
def photo(request: HttpRequest, run: str) -> HttpResponse:
    """Show one photo. `?part=details` returns only the part that changes."""
    result = runs.get_result_or_404(request, photo_renditions, run)
    context = {**runs.describe(result), "renditions": RENDITIONS}
    if request.GET.get("part") == "details":
        return render(request, "lab/_photo_details.html", context)
    return render(request, "lab/photo.html", context)


def render_form(request: HttpRequest, problem: str = "", status: int = 200) -> HttpResponse:
    context = {"limits": LIMITS, "problem": problem, "runs": runs.recent(request, "photos")}
    return render(request, "lab/photos.html", context, status=status)
