"""The project of progress_on_a_page.md as a process of its own."""

import os
import subprocess
import sys
import time
from pathlib import Path

from tests.browser.pieces import page

ROOT = page.ROOT
ALL = 4  # Months of a report.
SETTLE_SECONDS = 30
SETTINGS = """
SECRET_KEY = "of a page"
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "shop.sqlite3", "OPTIONS": {"timeout": 20}}
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "/static/"
USE_TZ = True
"""
# What the page leaves to the reader: the address that enters a visitor, and figures, which wait for a test.
FILES = {
    "shop/__init__.py": "",
    "shop/urls.py": """from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django_offload.http import TriggerView
from reports.tasks import build_report
from reports.views import ReportForm


def enter(request):
    request.session["visitor"] = True
    return render(request, "reports/enter.html")


class Plain(TriggerView):
    task = build_report
    form_class = ReportForm


class Busy(Plain):
    throttle = staticmethod(lambda request: 90)


urlpatterns = [path("", enter), path("plain/", Plain.as_view()), path("busy/", Busy.as_view())]
""",
    "reports/__init__.py": "",
    "reports/templates/reports/enter.html": """{% extends "reports/base.html" %}
{% block main %}<h1>Reports</h1>
<form method="post" action="/start/">{% csrf_token %}<button>Build it</button></form>
{% endblock %}
""",
    "reports/figures.py": """import time
from pathlib import Path

GATE = Path("allowed")


def figures_of(year, month):
    if year == 2099:
        raise LookupError("There are no figures yet")
    deadline = time.monotonic() + 60
    while year == 2026 and month > int(GATE.read_text()):
        assert time.monotonic() < deadline, "No test allows this month."
        time.sleep(0.02)
    # Progress is kept twice a second.
    time.sleep(0.55 if year == 2026 else 0.05)
    return 10
""",
}


class Site:
    """The project, made of the page's blocks, with its tasks worked on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        made = page.files()
        for name in {**made, **FILES}:
            before = SETTINGS if name == "shop/settings.py" else FILES.get(name, "")
            self.write(name, before + made.get(name, ""))
        self.allow(0)

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def allow(self, month: int) -> None:
        """Let reports of 2026 go on until this month is done."""
        fresh = self.folder / "allowed.new"
        fresh.write_text(str(month))
        fresh.rename(self.folder / "allowed")

    def settle(self) -> None:
        """Let every task end, so that none is left for another test. Raise AssertionError if one does not."""
        self.allow(ALL)
        settling = self.folder / "settling"
        settling.touch()
        deadline = time.monotonic() + SETTLE_SECONDS
        while settling.exists():
            assert time.monotonic() < deadline, f"Tasks do not end:\n{(self.folder / 'site.log').read_text()}"
            time.sleep(0.02)

    def start(self) -> None:
        """Return when the site answers. Raise AssertionError with what it said if it does not."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "DJANGO"))}
        roots = os.pathsep.join([str(self.folder), str(ROOT / "django_app"), str(ROOT)])
        self.log = (self.folder / "site.log").open("w+")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.browser.pieces.serve"],
            cwd=self.folder,
            env={**kept, "PYTHONPATH": roots, "AWS_DEFAULT_REGION": "us-east-1"},
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        assert self._process.stdout is not None
        self.address = self._process.stdout.readline().strip()
        if not self.address:
            self._process.wait()
            raise AssertionError(
                f"The site of the page did not start:\n{(self.folder / 'site.log').read_text()}"
            )

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()
        self.log.close()
