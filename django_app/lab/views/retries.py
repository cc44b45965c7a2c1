"""Failure and retry: a task whose source of data fails on purpose."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from .. import runs
from ..rates import ATTEMPTS, FAILURES
from ..tasks import exchange_rates


class RatesForm(forms.Form):
    """The form that fetches the rates."""

    failures = forms.TypedChoiceField(coerce=int, choices=[(count, count) for count in FAILURES])


@require_http_methods(["GET", "HEAD", "POST"])
def retries(request: HttpRequest) -> HttpResponse:
    """Enqueue the task that fails on purpose (POST), or show its form (GET)."""
    context: dict[str, object] = {"attempts": ATTEMPTS}
    if request.method != "POST":
        return render(request, "lab/retries.html", context)
    form = RatesForm(request.POST)
    if not form.is_valid():
        context["problem"] = f"Choose one of {', '.join(map(str, FAILURES))} failures."
        return render(request, "lab/retries.html", context, status=400)
    result = exchange_rates.enqueue(form.cleaned_data["failures"])
    context |= {**runs.describe(result), "answer": "rates"}
    return runs.mark_accepted(render(request, "lab/rates.html", context), result)


@never_cache
@require_safe
def rates(request: HttpRequest, run: str) -> HttpResponse:
    """Show one fetch. `?part=details` returns only the part that changes."""
    result = runs.get_result_or_404(request, exchange_rates, run)
    context = {**runs.describe(result), "attempts": ATTEMPTS}
    if request.GET.get("part") == "details":
        return render(request, "lab/_rates_details.html", context)
    return render(request, "lab/rates.html", context)
