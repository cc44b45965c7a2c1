"""The doctor reports settings that can't be used, whatever they are, without a call to AWS."""

import pytest
from django.core.checks.registry import register, registry
from django.utils.functional import SimpleLazyObject

from django_offload.compat import TASKS
from tests.architecture.sources import ROOT
from tests.unit.management.commands import run, run_json

BACKEND = "django_offload.backends.SQSBackend"


def entry(**options):
    return {"BACKEND": BACKEND, "OPTIONS": {"stack": "shop-dev", "modules": ["tests.unit.tasks"], **options}}


REFUSED = "can't be used: "
BROKEN = {
    "no dictionary": ([], "E007", "TASKS is []."),
    "raises": (
        SimpleLazyObject(lambda: 1 / 0),
        "E007",
        "TASKS can't be read: ZeroDivisionError: division by zero.",
    ),
    "no entry": ({"default": None}, "E007", f"TASKS['default'] {REFUSED}It is None instead of a dictionary."),
    "no backend": ({"default": {}}, "E007", f"TASKS['default'] {REFUSED}It has no BACKEND."),
    "alias": (
        {"default": entry(), 5: entry()},
        "E007",
        f"TASKS[5] {REFUSED}Its alias can't be part of a record. Give a text of 1 to 100 characters.",
    ),
    "option": ({"default": entry(client="fast")}, "E006", "TASKS['default']: OPTIONS['client'] is 'fast'."),
    "queues": ({"default": entry(queues=[])}, "E006", "TASKS['default']: OPTIONS['queues'] is []."),
    "module": (
        {"default": entry(modules=["tests.unit.gone"])},
        "E008",
        "TASKS['default']: OPTIONS['modules'] names 'tests.unit.gone', which can't be used: "
        "ModuleNotFoundError: No module named 'tests.unit.gone'.",
    ),
    "module that raises": (
        {"default": entry(modules=["tests.unit.conf.exits"])},
        "E008",
        "TASKS['default']: OPTIONS['modules'] names 'tests.unit.conf.exits', which can't be used: "
        f"SystemExit: the module ends the process ({ROOT / 'tests/unit/conf/exits.py'}, line 5).",
    ),
    "stack": (
        {"default": entry(), "other": entry(table="others")},
        "E009",
        "TASKS['other']: OPTIONS['table'] differs from that of TASKS['default'] (same stack).",
    ),
    "beside a healthy one": (
        {"default": entry(), "other": {"BACKEND": "shop.Gone"}},
        "E007",
        f"TASKS['other'] {REFUSED}Its BACKEND 'shop.Gone' can't be imported "
        "(ModuleNotFoundError: No module named 'shop').",
    ),
    "beside Django's": (
        {"default": {"BACKEND": f"{TASKS}.backends.dummy.DummyBackend"}, "other": 7},
        "E007",
        f"TASKS['other'] {REFUSED}It is 7 instead of a dictionary.",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_settings_that_cannot_be_used_are_findings(settings, db, case):
    settings.TASKS, check_id, text = BROKEN[case]

    code, report = run_json("offload_doctor")

    assert code == 1
    found = {finding["id"]: finding for finding in report["findings"]}
    assert found[check_id]["text"] == text
    assert found[check_id]["mend"]
    assert report["stacks"] == {}
    code, output = run("offload_doctor")
    assert code == 1
    assert f"WRONG  {text} ({check_id})" in output
    assert output.splitlines()[-1].endswith(f"{'problem' if len(found) == 1 else 'problems'} found.")


def test_a_check_of_another_app_that_raises_hides_nothing(settings, db):
    @register
    def broken(**kwargs):
        raise SystemExit("the check ends the process")

    settings.TASKS = {"default": entry(client="fast")}
    try:
        code, report = run_json("offload_doctor")
    finally:
        registry.registered_checks.discard(broken)

    assert code == 1
    texts = {finding["id"]: finding["text"] for finding in report["findings"]}
    assert texts["checks-failed"] == (
        "manage.py check can't run, because a check raises SystemExit: the check ends the process."
    )
    assert texts["E006"] == "TASKS['default']: OPTIONS['client'] is 'fast'."


def test_a_task_module_that_no_worker_could_import_is_one_line(settings):
    settings.TASKS = {
        "default": {**entry(modules=["tests.unit.management.on_no_queue"]), "QUEUES": ["other"]}
    }

    code, text = run("offload_template")

    assert (code, len(text.splitlines())) == (2, 1)
    assert text.startswith(
        "The task module 'tests.unit.management.on_no_queue' can't be imported: InvalidTask"
    )
    assert "on_no_queue.py, line " in text
