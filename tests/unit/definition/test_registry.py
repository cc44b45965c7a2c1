"""A message chooses among declared tasks, and never causes an import."""

import json
import sys
from types import ModuleType

import pytest

from django_offload.compat import InvalidTask
from django_offload.definition import registry as module
from django_offload.definition.offload_task import task
from django_offload.definition.registry import (
    LISTING,
    ListedRegistry,
    ListedTask,
    Registry,
    listing_text,
    registry,
    task_modules,
)
from django_offload.exceptions import ConfigurationError, UnknownTask
from tests.contract import tasks as contract_tasks
from tests.contract.setup import tasks_setting
from tests.unit import argument_tasks, tasks

pytestmark = pytest.mark.usefixtures("ours")


class ImportCounter:
    """Records the names of imports, and finds nothing."""

    def __init__(self):
        self.names = []

    def find_spec(self, name, path=None, target=None):
        self.names.append(name)


@pytest.fixture
def imports(monkeypatch):
    counter = ImportCounter()
    monkeypatch.setattr(sys, "meta_path", [counter, *sys.meta_path])
    return counter


def task_module(**members):
    module = ModuleType("shop.tasks")
    vars(module).update(members)
    return module


def test_a_task_is_found_by_its_name_its_path_or_an_alias():
    tasks_by_name = registry()

    assert tasks_by_name.resolve("tests.unit.tasks.double") is tasks.double
    assert tasks_by_name.resolve("orders.send") is tasks_by_name.resolve("orders.mail") is tasks.send
    assert tasks_by_name.resolve("tests.contract.tasks.add") is contract_tasks.add


def test_apps_tasks_modules_are_found_without_being_named():
    assert "lab.tasks" in {module.__name__ for module in task_modules([])}
    assert any(name.startswith("lab.tasks.") for name in registry().tasks)


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "subprocess.run",
        "tests.unit.faraway.task",
        "django_offload.definition.offload_task.task",
        "",
        "\0",
        "a" * 9999,
    ],
)
def test_a_name_of_a_message_imports_nothing(imports, name):
    tasks_by_name = registry()
    imports.names.clear()
    loaded = set(sys.modules)

    with pytest.raises(UnknownTask) as raised:
        tasks_by_name.resolve(name)

    assert str(raised.value).startswith(f"No task is named '{name}'. Define it in the tasks module")
    assert imports.names == []
    assert set(sys.modules) == loaded


def test_only_tasks_are_registered():
    tasks_by_name = Registry(
        [task_module(double=tasks.double, function=len, text="double", kind=type(tasks.double))]
    )

    assert list(tasks_by_name.tasks) == ["tests.unit.tasks.double"]


def test_a_task_that_is_imported_into_another_module_is_one_task():
    tasks_by_name = Registry(
        [task_module(double=tasks.double), task_module(double=tasks.double, alias=tasks.double)]
    )

    assert tasks_by_name.conflicts == []


def test_of_several_tasks_of_one_function_the_one_with_its_name_is_registered():
    for order in (
        {"a_first": tasks.send_soon, "send": tasks.send},
        {"send": tasks.send, "z": tasks.send_soon},
    ):
        assert Registry([task_module(**order)]).resolve("orders.send") is tasks.send


def test_two_functions_of_one_name_are_a_conflict():
    other = task(name="orders.send")(tasks.double.func)

    tasks_by_name = Registry([task_module(send=tasks.send), task_module(double=other)])

    assert tasks_by_name.conflicts == ["orders.send"]
    assert tasks_by_name.resolve("orders.send") is tasks.send


def test_an_alias_that_is_anothers_name_is_a_conflict():
    other = task(aliases=["orders.send"])(tasks.double.func)

    assert Registry([task_module(send=tasks.send, double=other)]).conflicts == ["orders.send"]


def test_a_task_outside_the_declared_modules_is_refused_at_enqueue(settings, offload):
    settings.TASKS = tasks_setting(modules=["tests.contract.tasks"])

    with pytest.raises(InvalidTask) as raised:
        tasks.double.enqueue(1)

    assert str(raised.value) == (
        "tests.unit.tasks.double is not in a task module of this project, so no worker would know it. "
        "Add 'tests.unit' to INSTALLED_APPS, or name its module in OPTIONS['modules']."
    )


def test_a_task_in_a_module_of_another_name_has_no_app_to_install(settings, offload):
    settings.TASKS = tasks_setting(modules=["tests.contract.tasks"])

    with pytest.raises(
        InvalidTask, match="Define it in the tasks module of an installed app, or name its mod"
    ):
        argument_tasks.two.enqueue(1)


def test_another_function_under_a_declared_name_is_refused():
    impostor = task(name="orders.send")(tasks.double.func)

    with pytest.raises(InvalidTask, match="no worker would know it"):
        registry().defined(impostor)


def test_a_task_changed_by_using_is_the_defined_one():
    assert registry().defined(tasks.send.using(timeout=1)) is tasks.send


def test_the_registry_is_built_once_and_follows_the_settings(settings, monkeypatch):
    first = registry()
    built = []
    monkeypatch.setattr(module, "task_modules", lambda others: built.append(list(others)) or [])

    again = registry()
    settings.TASKS = tasks_setting(modules=["tests.unit.tasks"])
    other = registry()

    assert again is first
    assert other is not first
    assert built == [["tests.unit.tasks", "tests.unit.tasks"]]


def test_a_module_that_does_not_exist_is_named_with_its_alias(settings):
    settings.TASKS = tasks_setting(modules=["shop.nowhere"])

    with pytest.raises(ConfigurationError) as refusal:
        registry()

    assert str(refusal.value) == (
        "TASKS['default']: OPTIONS['modules'] names 'shop.nowhere', which can't be imported (No module named "
        "'shop'). Correct the name, or install the package that contains the module."
    )
    assert isinstance(refusal.value.__cause__, ModuleNotFoundError)


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """The list of tasks of two modules that nothing has imported."""
    listing = {}
    for name, queue in (("shop_orders", "default"), ("shop_reports", "reports")):
        text = f"from django_offload.compat import task\n@task(queue_name={queue!r})\ndef work(): ...\n"
        (tmp_path / f"{name}.py").write_text(text)
        listing[f"{name}.work"] = ListedTask(name, queue)
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield listing
    for listed in listing.values():
        sys.modules.pop(listed.module, None)


def loaded(listing):
    return [listed.module for listed in listing.values() if listed.module in sys.modules]


def import_no_others():
    raise AssertionError("Every task module was imported")


def test_only_the_module_that_defines_a_listed_task_is_imported(shop):
    tasks_by_name = ListedRegistry(shop, import_no_others)
    assert loaded(shop) == []

    assert tasks_by_name.resolve("shop_reports.work").queue_name == "reports"

    assert loaded(shop) == ["shop_reports"]
    assert (
        tasks_by_name.defined(tasks_by_name.resolve("shop_reports.work")).module_path == "shop_reports.work"
    )


def test_the_modules_of_a_queue_are_imported_beforehand(shop):
    ListedRegistry(shop, import_no_others).prepare(["default"])

    assert loaded(shop) == ["shop_orders"]


@pytest.mark.parametrize("name", ["shop.gone", "shop_orders", "shop_orders.worked", "shop_orders.work.func"])
def test_a_name_that_is_not_listed_imports_nothing(shop, name, imports):
    tasks_by_name = ListedRegistry(shop, import_no_others)

    with pytest.raises(UnknownTask, match="No task is named"):
        tasks_by_name.resolve(name)

    assert (loaded(shop), imports.names) == ([], [])


def test_a_listed_module_may_define_more_than_the_list_says(shop):
    """As one that asks the environment does."""
    only = {"shop_orders.other": shop["shop_orders.work"]}
    tasks_by_name = ListedRegistry(only, import_no_others)
    tasks_by_name.prepare(["default"])

    assert tasks_by_name.resolve("shop_orders.work").queue_name == "default"


def test_code_of_the_project_finds_a_task_that_is_not_listed_in_all_modules(shop):
    tasks_by_name = ListedRegistry(shop, lambda: [tasks])

    assert tasks_by_name.defined(tasks.double) is tasks.double
    assert loaded(shop) == []
    assert tasks_by_name.resolve("tests.unit.tasks.double") is tasks.double


def test_the_mapping_of_tasks_has_all_of_them(shop):
    assert "tests.unit.tasks.double" in ListedRegistry(shop, lambda: [tasks]).tasks


@pytest.fixture
def packaged(shop, tmp_path, monkeypatch, settings):
    """Return a function that makes a package with the list of its tasks, and with these settings."""

    def package(*, declared=("shop_orders", "shop_reports"), apps=None):
        settings.TASKS = tasks_setting(modules=["shop_orders", "shop_reports"])
        stored = json.loads(listing_text()) | {"tasks": shop}
        if apps is not None:
            stored["apps"] = apps
        (tmp_path / LISTING).write_text(json.dumps(stored))
        for listed in shop.values():
            sys.modules.pop(listed.module, None)
        monkeypatch.setenv("LAMBDA_TASK_ROOT", str(tmp_path))
        settings.TASKS = tasks_setting(modules=list(declared))
        registry.cache_clear()
        return registry()

    yield package
    registry.cache_clear()


def test_the_list_of_a_package_is_used(shop, packaged):
    packaged().resolve("shop_orders.work")

    assert loaded(shop) == ["shop_orders"]


@pytest.mark.parametrize(
    "changed",
    [
        {"declared": ["shop_orders", "shop_reports", "tests.unit.tasks"]},
        {"declared": ["shop_orders"]},
        {"apps": ["django_offload"]},
    ],
    ids=["another module", "a module fewer", "another app"],
)
def test_a_list_that_was_made_with_other_settings_is_not_used(packaged, changed):
    """All that the settings declare is imported, before any message comes."""
    tasks_by_name = packaged(**changed)

    assert not isinstance(tasks_by_name, ListedRegistry)
    assert "shop_orders.work" in tasks_by_name.tasks
    assert "lab.tasks.sales_report" in tasks_by_name.tasks
    assert ("tests.unit.tasks.double" in tasks_by_name.tasks) is ("tests.unit.tasks" in str(changed))
    assert ("shop_reports.work" in tasks_by_name.tasks) is (changed.get("declared") != ["shop_orders"])


def test_without_a_list_every_module_is_imported(tmp_path, monkeypatch):
    monkeypatch.setenv("LAMBDA_TASK_ROOT", str(tmp_path))
    registry.cache_clear()

    assert "tests.unit.tasks.double" in registry().listed
