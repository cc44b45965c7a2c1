"""The list of tasks in a package."""

import json
from pathlib import Path

import pytest

import django_offload
from django_offload.definition.registry import LISTING
from django_offload.deploy.package import task_list
from django_offload.stack.stage_environment import NO_STAGE_ENVIRONMENT

SETTINGS = """
print("settings are read")
SECRET_KEY = "of-tests-only"
INSTALLED_APPS = ["shop", "django_offload"]
USE_TZ = True
TASKS = {
    "default": {
        "BACKEND": "django_offload.backends.SQSBackend",
        "QUEUES": ["default", "slow"],
        "OPTIONS": {"stack": "shop-dev", "modules": ["shop.mail"]},
    },
}
"""
TASK = "from django_offload import task\n@task(queue_name={queue!r}, aliases=['{alias}'])\ndef work(): ...\n"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Return the folder of a project with tasks in two modules."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "django_offload").symlink_to(Path(django_offload.__file__).parent)
    for name, text in {
        "shop_settings.py": SETTINGS,
        "shop/__init__.py": "",
        "shop/tasks.py": TASK.format(queue="slow", alias="old"),
        "shop/mail.py": TASK.format(queue="default", alias="older"),
    }.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_every_name_of_a_task_is_listed_with_module_and_queue(shop: Path) -> None:
    assert task_list.write(shop, "shop_settings", ".", NO_STAGE_ENVIRONMENT) is None

    assert json.loads((shop / LISTING).read_text()) == {
        "apps": ["django_offload", "shop"],
        "modules": ["shop.mail"],
        "tasks": {
            "old": ["shop.tasks", "slow"],
            "older": ["shop.mail", "default"],
            "shop.mail.work": ["shop.mail", "default"],
            "shop.tasks.work": ["shop.tasks", "slow"],
        },
    }


def test_an_import_error_is_returned_and_no_list_is_written(shop: Path) -> None:
    (shop / "shop" / "mail.py").write_text("import only_on_lambda")

    error = task_list.write(shop, "shop_settings", ".", NO_STAGE_ENVIRONMENT)

    assert error == "ModuleNotFoundError: No module named 'only_on_lambda'"
    assert not (shop / LISTING).exists()
