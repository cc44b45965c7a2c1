"""The reference site is what offload_init would make of it: the shape that every project gets."""

from pathlib import Path

from django_offload.deploy.scaffold.project_files import project_files
from django_offload.deploy.zappa_settings import web_function, zappa_settings
from django_offload.stack.layout import layout

ROOT = Path(__file__).resolve().parents[2]
HANDLERS = sorted(path.name for path in (ROOT / "lambdas").glob("*.py"))


def test_it_lies_where_the_layout_says() -> None:
    found = layout()

    assert (found.root, found.source) == (ROOT, ROOT / "django_app")
    assert found.python_path == "/var/task/django_app"


def test_its_web_side_and_its_stack_have_names_of_their_own() -> None:
    names = {stage: web_function(zappa_settings(ROOT, stage), stage) for stage in ("dev", "prod")}

    assert names == {"dev": "lab-web-dev", "prod": "lab-web-prod"}


def test_offload_init_has_nothing_to_write_there() -> None:
    found = layout()

    wanted = [found.shown(change.path) for change in project_files(found, "lab-dev") if change.needed]

    assert wanted == [], "Run manage.py offload_init in django_app/, and commit what it writes."
