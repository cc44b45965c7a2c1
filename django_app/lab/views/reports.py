"""The sales report: in the request, or offloaded."""

from secrets import token_hex

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from .. import runs
from ..comparison import comparison_context, first_page_context
from ..reports.build import build_report
from ..seeding import FIRST_RUN
from ..sizes import BACKENDS, ReportForm, sizes
from ..tasks import publish, sales_report
from ..timing import timed
from ..warm import warm

# A report made in a request has no task. The session contains its id, so that the visitor can read its files.
IN_REQUEST = "reports-in-request"


def form_context(
    orders: int = FIRST_RUN, backend: str = "default", *, seeded_orders: int | None = None
) -> dict[str, object]:
    """Return the template context of the forms that start a report, and of the table that compares them."""
    return {
        **comparison_context(),
        "sizes": sizes(orders, seeded_orders),
        "backends": BACKENDS,
        "backend": backend,
    }


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Offer the report both ways, side by side."""
    warm()
    return render(request, "lab/home.html", {**form_context(), **first_page_context()})


@require_http_methods(["GET", "HEAD", "POST"])
def reports(request: HttpRequest) -> HttpResponse:
    """Offload a report (POST), or list the visitor's (GET)."""
    if request.method != "POST":
        context = {**form_context(), "runs": runs.recent(request, "reports")}
        return render(request, "lab/reports.html", context)
    form = ReportForm(request.POST)
    if not form.is_valid():
        return render_refused(request, form)
    orders, backend = form.cleaned_data["orders"], form.cleaned_data["backend"]
    with timed(request, "enqueue", "The task enqueued"):
        result = sales_report.using(backend=backend).enqueue(orders)
    runs.remember(request, "reports", result.id, f"{orders:,} orders")
    context = {
        **form_context(orders, backend, seeded_orders=form.seeded_orders),
        **runs.describe(result),
        "orders": orders,
        "answer": "offload",
    }
    return runs.mark_accepted(render(request, "lab/report.html", context), result)


@require_http_methods(["GET", "HEAD", "POST"])
def in_request(request: HttpRequest) -> HttpResponse:
    """Make a report before answering, for comparison: what offloading avoids."""
    if request.method != "POST":
        return redirect("lab:home")
    form = ReportForm(request.POST)
    if not form.is_valid():
        return render_refused(request, form)
    orders, run = form.cleaned_data["orders"], token_hex(16)
    with timed(request, "work", "The report made"):
        value = publish(run, build_report(orders))
    runs.remember(request, IN_REQUEST, run, f"{orders:,} orders")
    context = {
        **form_context(orders, seeded_orders=form.seeded_orders),
        "value": value,
        "run": run,
        "orders": orders,
        "answer": "request",
    }
    return render(request, "lab/report.html", context)


@never_cache
@require_safe
def report(request: HttpRequest, run: str) -> HttpResponse:
    """Show one report. `?part=details` returns only the part that changes."""
    result = runs.get_result_or_404(request, sales_report, run)
    context = {**form_context(), **runs.describe(result), "orders": (result.args or [0])[0]}
    if request.GET.get("part") == "details":
        return render(request, "lab/_report_details.html", context)
    return render(request, "lab/report.html", context)


def render_refused(request: HttpRequest, form: ReportForm) -> HttpResponse:
    """Show the first page again, with the form's error."""
    context = {
        **form_context(seeded_orders=form.seeded_orders),
        **first_page_context(),
        "problem": form.first_error,
    }
    return render(request, "lab/home.html", context, status=400)
