"""The code of the how-to pages runs, through the real handlers, and does what the pages say."""

import json
import shlex
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.contrib.auth.models import User
from django.core.cache import caches
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.db.migrations.state import ProjectState
from django.test import Client
from django.utils import timezone

from django_offload.compat import signals
from django_offload.conf import Options
from django_offload.deploy.package import hashes
from django_offload.deploy.stage import read_stage, stage_file
from django_offload.http.checks import check_throttles
from django_offload.testing import Offload
from tests.contract.setup import tasks_setting
from tests.docs.how_to import FOLDER, LOCK, OWN, PAGES, SETTINGS, files
from tests.docs.pages import blocks, commands
from tests.docs.reference.stack import document
from tests.plugin.conftest import LIBRARY
from tests.unit import tasks
from tests.unit.management.commands import run

MODULES = ["orders.tasks", "photos.tasks"]
SITE = """
SECRET_KEY = "of a page"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django_offload", "orders"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
TASKS = {"default": {"BACKEND": "django_offload.backends.SQSBackend", "OPTIONS": {"stack": "shop-dev"}}}
USE_TZ = True
"""


def write(folder: Path, page: str) -> None:
    for name, text in {**OWN, **files(FOLDER / f"{page}.md")}.items():
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_text(text)


class Shop(NamedTuple):
    """The project of a page."""

    offload: Offload
    module: Callable[[str], Any]


@pytest.fixture
def shop(
    tmp_path: Path, settings: Any, request: pytest.FixtureRequest, transactional_db: None
) -> Iterator[Callable[[str], Shop]]:
    """Return what makes the project of a page."""
    settings.MEDIA_ROOT = tmp_path / "media"
    request.getfixturevalue("monkeypatch").syspath_prepend(str(tmp_path))

    def of(page: str) -> Shop:
        write(tmp_path, page)
        present = [name for name in MODULES if (tmp_path / f"{name.replace('.', '/')}.py").exists()]
        settings.TASKS = tasks_setting(modules=["tests.unit.tasks", *present])
        return Shop(request.getfixturevalue("offload"), import_module)

    yield of
    for name in [name for name in sys.modules if name.partition(".")[0] in {"orders", "photos"}]:
        del sys.modules[name]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_page_with_code_has_its_test(page: Path) -> None:
    assert files(page)
    assert f'("{page.stem}")' in Path(__file__).read_text() or page.stem == "test_tasks"


def test_effects_happen_once(shop: Callable[[str], Shop]) -> None:
    offload, module = shop("effects_once")
    of_page = module("orders.tasks")
    User.objects.create(username="ada")
    offload.kill_next(after_work=True)
    result = of_page.pay.enqueue("ada", 10)

    offload.run()

    result.refresh()
    assert result.return_value == "receipt 1"
    assert len(result.worker_ids) == 2
    assert of_page.mail.printed == [("ada", 10)]
    # The service sees both calls, and the same key.
    assert len(of_page.bank.charged) == 2
    assert len({key for *_, key in of_page.bank.charged}) == 1
    assert User.objects.get(username="ada").last_name == "paid"


def test_a_file_is_passed_by_its_name(shop: Callable[[str], Shop]) -> None:
    offload, module = shop("large_payloads")
    views = module("photos.views")
    result = views.upload(File(BytesIO(b"quiet"), name="words.txt"))

    offload.run()

    result.refresh()
    with default_storage.open(result.return_value) as file:
        assert file.read() == b"QUIET"


def test_many_tasks_answer_in_order(shop: Callable[[str], Shop]) -> None:
    offload, module = shop("many_tasks")
    ids, problems = module("orders.views").invoice_all([1, 2, object(), 3])

    offload.run()

    of_page = module("orders.tasks")
    values = [of_page.invoice.get_result(one).return_value for one in ids]
    assert values == ["1 × invoice 1", "1 × invoice 2", "1 × invoice 3"]
    assert len(problems) == 1


def test_a_failed_task_is_noted(shop: Callable[[str], Shop]) -> None:
    offload, module = shop("monitor")
    apps = module("orders.apps")
    try:
        offload.fail_next(ValueError("no"))
        result = tasks.double.enqueue(1)
        offload.run()
    finally:
        signals.task_finished.disconnect(apps.note)

    assert apps.failed == [result.id]


def test_only_the_named_errors_are_tried_again(shop: Callable[[str], Shop]) -> None:
    offload, module = shop("retries")
    of_page = module("orders.tasks")
    offload.fail_next(of_page.CarrierAway("no driver"))
    again, never = of_page.book.enqueue(1, "Rue 1"), of_page.book.enqueue(2, "")

    offload.run()

    again.refresh()
    never.refresh()
    assert (again.status, len(again.worker_ids)) == ("SUCCESSFUL", 2)
    assert (never.status, len(never.worker_ids)) == ("FAILED", 1)
    offload.fail_next(of_page.UnknownAddress("nowhere"))
    refused = of_page.label.enqueue(1)
    offload.run()
    refused.refresh()
    assert (refused.status, len(refused.worker_ids)) == ("FAILED", 1)


def test_a_backoff_asks_the_exception_and_the_result(shop: Callable[[str], Shop]) -> None:
    offload, module = shop("retries")
    of_page = module("orders.tasks")
    throttled, away = of_page.pay.using(max_attempts=2).enqueue(1, 0), of_page.pay.enqueue(2, 1)
    before = offload.clock()

    offload.run()

    throttled.refresh()
    away.refresh()
    assert (throttled.status, throttled.attempts, away.status, away.attempts) == ("FAILED", 2, "FAILED", 3)
    assert 89 <= (throttled.last_attempted_at - throttled.started_at).total_seconds() <= 150
    assert (offload.clock() - before).total_seconds() >= 119


def test_notes_about_a_task_are_stored(shop: Callable[[str], Shop]) -> None:
    offload, module = shop("metadata")
    result = module("orders.views").start([1, 2], "abc")
    offload.run()

    result.refresh()
    assert (result.return_value, result.metadata) == (
        3,
        {"trace": "abc", "source": "the bank", "imported": 2},
    )


def test_a_task_can_wait_for_its_day(shop: Callable[[str], Shop]) -> None:
    offload, module = shop("schedule_tasks")
    result = module("orders.views").remind_tomorrow(7)

    assert result.task.run_after - timezone.now() > timedelta(hours=23)
    offload.run()
    result.refresh()
    assert result.return_value == "reminded of 7"


def test_a_quiet_customer_does_not_wait_for_a_noisy_one(shop: Callable[[str], Shop]) -> None:
    offload, module = shop("fair_queues")
    of_page = module("orders.tasks")
    noisy = of_page.invoice_all("noisy", range(30))
    quiet = of_page.invoice_all("quiet", range(3))

    offload.run()
    for result in noisy + quiet:
        result.refresh()

    assert quiet[-1].return_value == "quiet-2"
    assert sum(result.started_at > quiet[-1].started_at for result in noisy) > 20


def refused(order: int, card: str) -> None:
    raise ValueError(f"The bank refuses {card}")


def test_a_sensitive_argument_is_nowhere(
    shop: Callable[[str], Shop], monkeypatch: pytest.MonkeyPatch
) -> None:
    offload, module = shop("sensitive_arguments")
    of_page = module("orders.tasks")
    monkeypatch.setattr(of_page, "charge", refused)
    result = of_page.pay.enqueue(1, card="4929 1234 5678")

    offload.run()

    result.refresh()
    assert result.status == "FAILED"
    assert "The bank refuses ********" in result.errors[0].traceback
    assert "4929" not in result.errors[0].traceback


def test_a_task_leaves_after_the_commit(shop: Callable[[str], Shop]) -> None:
    offload, module = shop("transactions")
    views = module("orders.views")
    with transaction.atomic():
        result = views.sign_up("ada")
        assert (offload.waiting, result.enqueued_at) == (1, None)

    offload.run()

    result.refresh()
    assert result.return_value == "Welcome, ada"
    with transaction.atomic():
        later = views.sign_up_later("grace")
        assert (offload.waiting, later.enqueued_at) == (1, None)
    assert later.enqueued_at is not None


def test_one_of_equal_tasks_waits_or_runs(shop: Callable[[str], Shop]) -> None:
    offload, module = shop("unique_tasks")
    views, of_page = module("orders.views"), module("orders.tasks")
    first, again = views.sync_now(7), views.sync_now(7)
    in_transactions = [module("orders.checkout").checkout(customer) for customer in (7, 8)]
    changes = [module("orders.signals").order_changed(7) for _ in range(3)]
    reports = [of_page.report.enqueue(7), of_page.report.enqueue(customer_id=7, detail="long", user_id=1)]

    assert (first[1], again) == ("Started.", (first[0], "It is under way already."))
    assert [duplicate for duplicate, _ in in_transactions] == [True, False]
    assert len({change.id for change in changes}) == len({report.id for report in reports}) == 1
    assert offload.run() == 4
    for duplicate, result in in_transactions:
        result.refresh()
        assert (result.return_value, result.duplicate) == (f"synced {result.args[0]}", duplicate)
    assert not of_page.sync.enqueue(7).duplicate


def settings_of(page: str, which: str = "") -> dict[str, Any]:
    """Return what one of the settings files on a page sets."""
    space: dict[str, Any] = {"INSTALLED_APPS": []}
    exec(files(FOLDER / f"{page}.md")[SETTINGS + which], space)  # noqa: S102, our own page
    return space


@pytest.fixture
def cache_of_page(settings: Any) -> Iterator[Callable[[Any], None]]:
    """Return what makes the table of the page's cache, by the page's migration."""
    settings.CACHES = settings_of("limits")["CACHES"]

    def make(migration: Any) -> None:
        with connection.schema_editor() as editor:
            migration.Migration("0001_cache", "orders").apply(ProjectState(), editor)

    yield make
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS cache")


def test_a_view_starts_as_many_tasks_as_its_throttle_allows(
    shop: Callable[[str], Shop], settings: Any, client: Client, cache_of_page: Callable[[Any], None]
) -> None:
    offload, module = shop("limits")
    settings.ROOT_URLCONF = "orders.urls"
    cache_of_page(module("orders.migrations.0001_cache"))

    def ask(path: str) -> Any:
        return client.post(path, {"year": 2026}, content_type="application/json")

    answers, exports = [ask("/reports/") for _ in range(11)], [ask("/export/") for _ in range(6)]

    assert [answer.status_code for answer in answers] == [202] * 10 + [429]
    assert [answer.status_code for answer in exports] == [202] * 5 + [429]
    (block,) = [block for block in blocks(FOLDER / "limits.md") if block.language == "json"]
    seconds = answers[-1].headers["Retry-After"]
    assert answers[-1].json() == json.loads(block.text.replace("60", seconds))
    assert 50 <= int(seconds) <= 60
    assert offload.run() == 15
    assert check_throttles() == []
    assert caches["default"]._max_entries == 100_000


@pytest.mark.parametrize("which", [", with Redis", ", with Memcached"])
def test_the_other_caches_are_ones_that_processes_share(
    shop: Callable[[str], Shop], settings: Any, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    monkeypatch.setenv("CACHE_URL", "rediss://:password@cache.shop.example:6379")
    monkeypatch.setenv("CACHE_HOST", "cache.shop.example:11211")
    _, module = shop("limits")
    settings.ROOT_URLCONF = module("orders.urls").__name__
    settings.CACHES = settings_of("limits", which)["CACHES"]

    found = [message.msg for message in check_throttles()]

    # The package that speaks to it may not be installed here.
    assert [text for text in found if "No module named" not in text] == []


def test_a_crawler_without_end_is_stopped(shop: Callable[[str], Shop], settings: Any) -> None:
    offload, module = shop("limits")
    settings.TASKS = tasks_setting(modules=["orders.tasks"], enqueues_per_root=30)
    module("orders.tasks").crawl.enqueue("/")

    assert offload.run() == 31

    assert "TooManyEnqueues" in run("offload_dead", "list", "--failed")[1]


def test_the_document_of_an_api_is_written_and_checked(
    shop: Callable[[str], Shop], settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, module = shop("before_you_deploy")
    settings.ROOT_URLCONF = module("orders.urls").__name__
    monkeypatch.chdir(tmp_path)
    write_it, check_it = (
        shlex.split(line)[2:]
        for block in blocks(FOLDER / "before_you_deploy.md")
        for line in commands(block.text)
        if "offload_openapi" in line
    )

    assert [run(*words)[0] for words in (write_it, check_it)] == [0, 0]

    document = json.loads((tmp_path / "openapi.json").read_text())
    assert document["info"]["title"] == "Shop"
    assert set(document["paths"]) == {
        *("/reports/", "/tasks/{task_id}/", "/tasks/{task_id}/cancel/", "/tasks/{task_id}/progress/"),
    }
    (tmp_path / "openapi.json").write_text("{}")
    assert run(*check_it)[0] == 1


def test_the_page_locks_as_the_command_says() -> None:
    assert f"{hashes._COMPILE} lambdas/requirements.in\n" == LOCK


def test_the_settings_of_the_outbox_are_right(settings: Any) -> None:
    space = settings_of("transactions")

    assert set(space["INSTALLED_APPS"]) < set(settings.INSTALLED_APPS)
    assert Options.parse("default", space["TASKS"]["default"]).outbox


def test_a_stages_file_may_say_so(tmp_path: Path) -> None:
    said = [block for block in blocks(FOLDER / "monitor.md") if block.language == "json"]

    assert len(said) == 2
    for block in said:
        stage_file(tmp_path, "dev").parent.mkdir(exist_ok=True)
        stage_file(tmp_path, "dev").write_text(block.text)
        stage = read_stage(tmp_path, "dev")
        assert stage.parameters == json.loads(block.text)["parameters"]
        assert stage.parameters.keys() <= document()["Parameters"].keys()


def test_the_tests_of_the_page_pass(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """As readers run them: with pytest, in a process of their own."""
    write(pytester.path, "test_tasks")
    (pytester.path / "site_of_the_page.py").write_text(SITE)
    monkeypatch.setenv("PYTHONPATH", f"{LIBRARY}:{pytester.path}")
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "site_of_the_page")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)

    ran = pytester.runpytest_subprocess(
        "-p", "django_offload.pytest_plugin", "orders/tests.py", "-p", "no:cacheprovider", timeout=120
    )

    ran.assert_outcomes(passed=5)
