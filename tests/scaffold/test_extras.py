"""What each extra installs: enough for what it is for, and not much more."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.scaffold.extras import ROOT, ExtraEnvironment, installed_with

PROJECT = ROOT / "tests" / "plugin" / "project"
SERVICES = Path(__file__).with_name("extra_services.py")
PACKAGE_LIMIT = 45  # Ours is one of them.
ANSWERS = """\
task: SUCCESSFUL order 7
stack: CREATE_COMPLETE
items by PartiQL: 1
object: text {'an_entry': '1'}
secret: s
parameter: p
opened: open
account: 123456789012
iam: True
events: True
lambda: True
logs: True
scheduler: True
cloudwatch: True
sns: True
sqs: True
"""
DRAW_A_BAR = """
import io
from django_offload.management.progress import has_rich, rich_progress
print(has_rich())
stream = io.StringIO()
with rich_progress("Uploading", stream, coloured=False) as progress:
    progress.refresh()
print("Uploading" in stream.getvalue())
"""
WRITE_A_TEMPLATE = """
import django
django.setup()
from django.core.management import call_command
import zappa.core
import django_offload.deploy.release.deployed_stack
call_command("offload_template")
"""
SERVE_A_PAGE = """
from django.core.wsgi import get_wsgi_application
from django_offload.web.handler import Handler
from django_offload.web.requests import Site
http = {"method": "GET", "path": "/none/", "sourceIp": "198.51.100.7", "protocol": "HTTP/1.1"}
event = {
    "version": "2.0", "rawPath": "/none/", "rawQueryString": "", "headers": {"host": "shop.example"},
    "requestContext": {"http": http, "domainName": "shop.example", "stage": "$default", "timeEpoch": 0},
}
print(Handler(get_wsgi_application(), Site())(event, None)["statusCode"])
"""

Make = Callable[..., ExtraEnvironment]


@pytest.fixture
def with_extra(tmp_path: Path) -> Make:
    """Return a function that makes an environment with an extra, in which a small project runs."""
    project = shutil.copytree(PROJECT, tmp_path / "project")
    shutil.copy(SERVICES, project)
    return lambda extra: ExtraEnvironment(tmp_path / "environment", project, extra)


def test_the_extras_for_development_install_few_packages() -> None:
    packages = {"django-offload", *installed_with("local", "test", "terminal")}

    assert len(packages) <= PACKAGE_LIMIT, sorted(packages)
    assert {"docker", "graphql-core", "sympy", "cfn-lint", "pydantic"} & packages == set()


def test_the_extra_local_runs_a_task_and_serves_every_service(with_extra: Make) -> None:
    environment = with_extra("local")

    output = environment.run("-m", "django", "offload_local", "--", str(environment.python), SERVICES.name)

    assert "".join(line for line in output.splitlines(True) if line in ANSWERS.splitlines(True)) == ANSWERS


def test_the_extra_test_runs_tests_through_local_aws(with_extra: Make) -> None:
    output = with_extra("test").run(
        "-m", "pytest", "-p", "django_offload.pytest_plugin", "-q", "aws/usage_through_moto.py", "-k", "view"
    )

    assert "1 passed" in output


def test_the_extra_terminal_draws_bars(with_extra: Make) -> None:
    assert with_extra("terminal").run("-c", DRAW_A_BAR).split() == ["True", "True"]


def test_the_extra_deploy_writes_a_template_and_has_zappa(with_extra: Make) -> None:
    assert "AWS::Lambda::Function" in with_extra("deploy").run("-c", WRITE_A_TEMPLATE)


def test_the_extra_web_translates_events_for_django(with_extra: Make) -> None:
    assert with_extra("web").run("-c", SERVE_A_PAGE) == "404\n"
