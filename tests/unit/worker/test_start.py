"""The start of a worker: what it loads, and that nothing it puts off is missing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from django_offload.compat import HAS_TASKS
from tests.unit.aws.server import Scripted, says

ROOT = Path(__file__).resolve().parents[3]
SITE = "tests.unit.worker.start_site"
# Counted, not timed: modules of Django, of ours and of the standard library, on Python 3.12 and 3.13.
MOST_MODULES = 600 if HAS_TASKS else 750
PUT_OFF = [
    *("boto3", "botocore", "urllib3", "troposphere", "moto", "rich"),
    *("django.contrib.admin", "django.contrib.admin.sites", "django.contrib.admin.options"),
    *("django.core.mail", "django.forms", "django.forms.models", "django.template", "django.template.base"),
    *("django.contrib.auth.management", "django.contrib.contenttypes.management", "django.core.management"),
    *("django.db.migrations", "django.middleware.csrf", "sqlparse", "sqlparse.sql"),
    *("django.urls", "django.urls.resolvers", "django.views", "django.views.debug", "django.views.generic"),
    *("django.core.servers", "django.test", "unittest", "multiprocessing.pool"),
    *(
        "django_offload.deploy.scaffold",
        "django_offload.checks",
        "django_offload.deploy",
        "django_offload.http",
    ),
    *("django_offload.local", "django_offload.management", "django_offload.stack", "django_offload.testing"),
    *("django_offload.worker.sweep", "django_offload.worker.migration"),
    *("django_offload.worker.side_by_side", f"{SITE}.admin", f"{SITE}.urls"),
]
# On Django 5.2 the backport of the tasks imports the admin, forms and views, which makes the start slower.
BY_THE_BACKPORT = () if HAS_TASKS else ("django.", f"{SITE}.admin")
NOT_LOADED = [name for name in PUT_OFF if not name.startswith(BY_THE_BACKPORT)]
NAMES = "\nimport json, sys; print(json.dumps(sorted(sys.modules)))"


def started(script, **environ):
    """Run a script in a process of its own, as a worker's begins; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=ROOT,
        env={
            **{
                name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "OFFLOAD_"))
            },
            "DJANGO_SETTINGS_MODULE": f"{SITE}.settings",
            # As Lambda sets them.
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "of-tests-only",
            "AWS_SECRET_ACCESS_KEY": "of-tests-only",
            "PYTHONPATH": os.pathsep.join([str(ROOT / "django_app"), str(ROOT)]),
            **environ,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def modules(script):
    return json.loads(started(script + NAMES).splitlines()[-1])


def test_a_worker_loads_what_it_needs_to_run_a_task_and_nothing_else():
    loaded = modules("import lambdas.worker")

    assert [name for name in NOT_LOADED if name in loaded] == []
    assert f"{SITE}.tasks" in loaded
    assert len(loaded) <= MOST_MODULES, "A start costs about half a millisecond per module: what is new?"


# Logs as Lambda's runtime does, and prints as strictly as Python does in most environments.
LOGS_ANY_TEXT = """
import logging, os, sys, tempfile
from awslambdaric.bootstrap import FramedTelemetryLogSink, LambdaLoggerHandler
log = tempfile.TemporaryFile()
with FramedTelemetryLogSink(os.dup(log.fileno())) as sink:
    logging.getLogger().addHandler(LambdaLoggerHandler(sink))
    import {module}
    try:
        raise ValueError("a lone \\ud83d surrogate")
    except ValueError:
        logging.getLogger("django_offload").exception("7 \u20ac for \\udc80")
print("printed \\ud83d")
log.seek(0)
print(log.read().decode(errors="replace"))  # Each entry begins with a binary header.
log.close()
"""


@pytest.mark.parametrize(
    "module", ["lambdas.worker", "lambdas.sweeper", "lambdas.dead_letter", "lambdas.web"]
)
def test_a_function_logs_and_prints_any_text(module):
    output = started(LOGS_ANY_TEXT.format(module=module), PYTHONIOENCODING="utf-8:strict")

    assert "printed \\ud83d" in output
    assert "7 \u20ac for \\udc80" in output
    assert "ValueError: a lone \\ud83d surrogate" in output


def test_a_worker_reads_its_secrets_without_boto3():
    parameters = says(b'{"Parameters": [{"Name": "/shop/key", "Value": "of-the-stage"}]}')
    secret = says(b'{"Name": "shop/database", "SecretString": "elsewhere"}')
    server = Scripted(parameters, secret)
    secrets = {"SHOP_KEY": "ssm:/shop/key", "SHOP_DATABASE": "secretsmanager:shop/database"}
    script = "import os, lambdas.worker; print(os.environ['SHOP_KEY'], os.environ['SHOP_DATABASE'])"

    try:
        told = started(script + NAMES, AWS_ENDPOINT_URL=server.url, OFFLOAD_SECRETS=json.dumps(secrets))
    finally:
        server.close()

    values, loaded = told.splitlines()[-2], json.loads(told.splitlines()[-1])
    assert (values, len(server.requests)) == ("of-the-stage elsewhere", 2)
    assert [name for name in NOT_LOADED if name in loaded] == []
    assert len(loaded) <= MOST_MODULES


def test_what_is_put_off_is_what_django_would_load():
    names = modules("import django; django.setup()")

    put_off = [name for name in PUT_OFF if name.startswith("django.") and name in names]
    assert {"django.contrib.admin", "django.forms", "django.template", "django.urls"} < set(put_off)


USES = {
    "a template": """
from django.template import Context, Template
assert Template("{{ x|upper }}").render(Context({"x": "a"})) == "A"
""",
    "a template of an app": """
from django.template.loader import render_to_string
assert "<title>" in render_to_string("admin/404.html")
""",
    "a form of a model": """
from django.forms import modelform_factory
from tests.unit.worker.start_site.models import Product
form = modelform_factory(Product, fields=["title"])({"title": "x" * 21})
assert list(form.errors) == ["title"]
""",
    "a form of a field that refers to forms already": """
from django.db import models
from django.db.models import fields
import django.forms
assert fields.forms is django.forms is sys.modules["django.forms"]
assert type(models.CharField(max_length=5).formfield()) is django.forms.CharField
""",
    "what a field refers to, first of all": """
from django.db import models
assert models.CharField(max_length=5).formfield().max_length == 5
""",
    "an address": """
from tests.unit.worker.start_site.models import Product
from django.urls import NoReverseMatch, exceptions, reverse
assert Product(pk=5).get_absolute_url() == "/products/5/" == reverse("product", args=[5])
assert NoReverseMatch is exceptions.NoReverseMatch
""",
    "an address of the admin": """
from django.urls import reverse
assert reverse("admin:start_site_product_change", args=[5]) == "/admin/start_site/product/5/change/"
""",
    "the admin": """
from django.contrib import admin
from tests.unit.worker.start_site.models import Product
assert type(admin.site.get_model_admin(Product)).__name__ == "ProductAdmin"
""",
    "the log of the admin": """
import django.contrib.admin.models
entry = django.contrib.admin.models.LogEntry(content_type_id=1, object_id="a/b")
from django.contrib import admin
assert django.contrib.admin is admin and admin.models.LogEntry is type(entry)
assert admin.utils.quote("a/b") == "a_2Fb"
""",
    "a mail": """
from django.contrib.auth.models import User
from django.core import mail
User(email="somebody@shop.example").email_user("Hello", "World")
assert [sent.subject for sent in mail.outbox] == ["Hello"]
""",
    "a mail to the admins": """
import logging
logging.getLogger("django.tasks").error("It is broken", exc_info=ValueError("mine"))
from django.core import mail
(sent,) = mail.outbox
assert sent.to == ["admins@shop.example"] and "It is broken" in sent.subject
""",
    "migrations, at whose end signals make permissions": """
from django.core.management import call_command
call_command("migrate", verbosity=0)
from django.contrib.auth.models import Permission
assert Permission.objects.filter(codename="add_user").exists()
""",
    "a script of SQL": """
from django.db import connection
assert connection.ops.prepare_sql_script("SELECT 1; SELECT 2") == ["SELECT 1;", "SELECT 2"]
""",
    "the token of forms": """
from django.contrib.auth import rotate_token
from django.http import HttpRequest
from django.middleware.csrf import CsrfViewMiddleware
request = HttpRequest()
rotate_token(request)
assert request.META["CSRF_COOKIE_NEEDS_UPDATE"] and CsrfViewMiddleware(lambda request: None)
""",
    "the system checks": """
from django.core.checks import run_checks
found = {message.id for message in run_checks(include_deployment_checks=True)}
assert "security.W002" in found and "django_offload.W020" in found, found
assert "django_offload.E022" in found
""",
    "what only lies in a package": """
from importlib.resources import files
assert files("django.contrib.admin").joinpath("templates/admin/404.html").is_file()
""",
}


@pytest.mark.parametrize("use", USES)
def test_what_is_put_off_is_there_when_it_is_used(use):
    assert started("import sys\nimport lambdas.worker\n" + USES[use] + "\nprint('used')").endswith("used\n")


@pytest.mark.parametrize(
    "early",
    [
        "from django.contrib.admin.options import ModelAdmin",
        "from django.contrib.admin import ModelAdmin",
        "from django.forms.models import ModelForm",
        "from django.forms import *",
        "from django.urls.resolvers import URLPattern",
        "from django.template.loader import get_template",
        "from django.core.mail import EmailMessage",
        "from django.views.generic import ListView",
    ],
)
def test_what_a_project_uses_while_it_starts_is_loaded_as_ever(early, tmp_path):
    (tmp_path / "early").mkdir()
    (tmp_path / "early" / "__init__.py").write_text(early)  # An app, imported in the middle of the start.
    name = early.split()[-1]
    script = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
import lambdas.worker
import early
from django.contrib import admin
from tests.unit.worker.start_site.models import Product
assert admin.site.is_registered(Product)
assert {"early.CharField" if name == "*" else f"early.{name}"}
package = sys.modules[{early.split()[1]!r}]
assert package.__spec__.loader.__class__.__name__ == "SourceFileLoader"
print("used")
"""
    (tmp_path / "early_settings.py").write_text(
        "from tests.unit.worker.start_site.settings import *\nINSTALLED_APPS = ['early', *INSTALLED_APPS]"
    )

    assert started(script, DJANGO_SETTINGS_MODULE="early_settings") == "used\n"


def test_the_prefix_of_addresses_is_the_settings(tmp_path):
    (tmp_path / "prefixed.py").write_text(
        "from tests.unit.worker.start_site.settings import *\nFORCE_SCRIPT_NAME = '/shop/'"
    )
    script = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
import lambdas.worker
from django.urls import reverse
print(reverse("product", args=[5]))
"""

    assert started(script, DJANGO_SETTINGS_MODULE="prefixed") == "/shop/products/5/\n"


def test_a_broken_task_module_is_logged_and_leaves_the_worker_to_say_so_for_each_message(tmp_path):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "__init__.py").write_text("")
    (tmp_path / "broken" / "tasks.py").write_text("import no_such_module")
    (tmp_path / "with_broken.py").write_text(
        "from tests.unit.worker.start_site.settings import *\nINSTALLED_APPS = ['broken', *INSTALLED_APPS]"
    )
    script = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
import logging
logging.basicConfig(stream=sys.stdout)
from lambdas.worker import handler
from django_offload.definition.registry import registry
try:
    registry()
except ModuleNotFoundError as exc:
    print(exc)
"""

    said = started(script, DJANGO_SETTINGS_MODULE="with_broken").splitlines()

    assert said[0] == "ERROR:django_offload:The project's tasks could not be loaded"
    assert said[-1] == "No module named 'no_such_module'"


@pytest.mark.parametrize(
    ("client", "made"),
    [("lean", "[] ['dynamodb', 'sqs']"), ("boto3", "['dynamodb', 'sqs'] []")],
)
def test_the_clients_of_aws_are_made_before_the_first_message(client, made):
    script = """
import lambdas.worker
from django_offload.aws import clients
print(sorted(service for _, service in clients._clients), sorted(clients._lean_clients))
"""

    assert started(script, CLIENT=client) == f"{made}\n"


def test_without_a_region_the_worker_starts_and_the_first_call_says_so():
    script = """
import os
del os.environ["AWS_DEFAULT_REGION"]
import lambdas.worker
from django_offload.conf import configured
from django_offload.stores import store_of
try:
    store_of(configured()["default"]).get("1")
except Exception as exc:
    print(exc)
"""

    assert started(script, CLIENT="boto3") == "You must specify a region.\n"
