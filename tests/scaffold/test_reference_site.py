"""The reference site has exactly the files that offload_init writes."""

from pathlib import Path

from django_offload.deploy.scaffold.project_files import project_files
from django_offload.deploy.zappa_settings import web_function, zappa_settings
from django_offload.stack.layout import layout

ROOT = Path(__file__).resolve().parents[2]
HANDLERS = sorted(path.name for path in (ROOT / "lambdas").glob("*.py"))


def test_its_layout_is_found() -> None:
    project = layout()

    assert (project.root, project.source) == (ROOT, ROOT / "django_app")
    assert project.python_path == "/var/task/django_app"


def test_its_web_side_and_its_stack_have_different_names() -> None:
    names = {stage: web_function(zappa_settings(ROOT, stage), stage) for stage in ("dev", "prod")}

    assert names == {"dev": "lab-web-dev", "prod": "lab-web-prod"}


def test_offload_init_has_nothing_to_write_there() -> None:
    project = layout()

    changes = [project.shown(change.path) for change in project_files(project, "lab-dev") if change.needed]

    assert changes == [], "Run manage.py offload_init in django_app/, and commit what it writes."
