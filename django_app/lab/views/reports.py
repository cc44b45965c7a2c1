"""The sales report: in the request, or offloaded."""

from secrets import token_hex

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from .. import runs
from ..proof import first_page, proof
from ..reports.build import build_report
from ..seeding import FIRST_RUN
from ..sizes import BACKENDS, ReportForm, sizes
from ..tasks import publish, sales_report
from ..timing import timed
from ..warm import warm

# Reports made in a request have no task: their ids in the session say whose files they are.
IN_REQUEST = "reports-in-request"


def choices(
    orders: int = FIRST_RUN, backend: str = "default", *, known: int | None = None
) -> dict[str, object]:
    """Return what the forms that start a report need, and the table that compares them."""
    return {**proof(), "sizes": sizes(orders, known), "backends": BACKENDS, "backend": backend}


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show both ways side by side."""
    warm()
    return render(request, "lab/home.html", {**choices(), **first_page()})


def reports(request: HttpRequest) -> HttpResponse:
    """Offload a report (POST), or list the visitor's (GET)."""
    if request.method != "POST":
        context = {**choices(), "runs": runs.recent(request, "reports")}
        return render(request, "lab/reports.html", context)
    form = ReportForm(request.POST)
    if not form.is_valid():
        return refused(request, form)
    orders, backend = form.cleaned_data["orders"], form.cleaned_data["backend"]
    with timed(request, "enqueue", "The task enqueued"):
        result = sales_report.using(backend=backend).enqueue(orders)
    runs.remember(request, "reports", result.id, f"{orders:,} orders")
    context = {
        **choices(orders, backend, known=form.known),
        **runs.describe(result),
        "orders": orders,
        "answer": "offload",
    }
    return runs.follow_up(render(request, "lab/report.html", context), result)


def in_request(request: HttpRequest) -> HttpResponse:
    """Make a report before answering: what this site is here to avoid, for comparison."""
    if request.method != "POST":
        return redirect("lab:home")
    form = ReportForm(request.POST)
    if not form.is_valid():
        return refused(request, form)
    orders, run = form.cleaned_data["orders"], token_hex(16)
    with timed(request, "work", "The report made"):
        value = publish(run, build_report(orders))
    runs.remember(request, IN_REQUEST, run, f"{orders:,} orders")
    context = {
        **choices(orders, known=form.known),
        "value": value,
        "run": run,
        "orders": orders,
        "answer": "request",
    }
    return render(request, "lab/report.html", context)


@never_cache
@require_safe
def report(request: HttpRequest, run: str) -> HttpResponse:
    """Follow one report; `?part=details` gives only what changes as it goes on."""
    result = runs.visible(request, sales_report, run)
    context = {**choices(), **runs.describe(result), "orders": (result.args or [0])[0]}
    if request.GET.get("part") == "details":
        return render(request, "lab/_report_details.html", context)
    return render(request, "lab/report.html", context)


def refused(request: HttpRequest, form: ReportForm) -> HttpResponse:
    """Show the first page again, with what was wrong."""
    context = {**choices(known=form.known), **first_page(), "problem": form.problem}
    return render(request, "lab/home.html", context, status=400)
