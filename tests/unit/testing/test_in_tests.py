"""In Django's test environment, and only there, what is enqueued stays in memory."""

import json
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.core.checks import run_checks
from django.test import Client
from django.test.utils import setup_test_environment, teardown_test_environment
from django.urls import reverse
from moto import mock_aws

from django_offload import compat
from django_offload.aws import clients, failures, memory
from django_offload.aws.memory import TasksKeptInMemory
from django_offload.compat import TaskResultDoesNotExist, in_test_environment
from django_offload.conf import configured
from django_offload.exceptions import EnqueueFailed, OffloadError
from django_offload.operations.find import find
from django_offload.stores import store_of
from django_offload.stores.dynamodb import DynamoDBStore
from django_offload.stores.memory import MemoryStore
from tests.contract import tasks
from tests.contract.setup import tasks_setting
from tests.unit.management.commands import run


@pytest.fixture
def aws(settings, monkeypatch) -> Iterator[list[str]]:
    """Return the requests that reach an AWS of this machine, which refuses them all."""
    arrived: list[str] = []

    class Refusing(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            arrived.append(self.headers.get("X-Amz-Target") or self.path)
            self.send_error(400)

        do_GET = do_PUT = do_POST

        def log_message(self, *args: object) -> None:
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    monkeypatch.setattr(memory.State, "warned", True)
    settings.TASKS = in_tests()
    clients.reset_clients()
    yield arrived
    clients.reset_clients()
    server.shutdown()
    thread.join()
    server.server_close()


def in_tests(**options):
    # With its URL, no lookup of the queue comes before what is sent.
    urls = {"default": "http://127.0.0.1/1/contract-default"}
    return tasks_setting(modules=["tests.contract.tasks"], queue_urls=urls, **options)


@contextmanager
def outside():
    """Leave Django's test environment until the block ends."""
    teardown_test_environment()
    try:
        yield
    finally:
        setup_test_environment(debug=False)


QUESTIONS = """
import importlib, json, os, sys, unittest, pytest, django.test
from django.conf import settings
settings.configure(SECRET_KEY="x", TEMPLATES=[])
from django.test.utils import setup_test_environment, teardown_test_environment
from django_offload import compat
sys.argv = ["manage.py", "test"]
answers = [compat.in_test_environment()]
setup_test_environment()
answers.append(compat.in_test_environment())
os.environ["AWS_LAMBDA_FUNCTION_NAME"] = "shop-default-worker"
answers.append(compat.in_test_environment())
importlib.reload(compat)  # As in a process that has had the variable from the start.
answers.append(compat.in_test_environment())
print(json.dumps(answers))
"""


def test_only_djangos_own_state_counts_and_never_inside_lambda() -> None:
    variables = {"PYTHONPATH": "django_app:.", "PATH": os.environ["PATH"]}
    process = subprocess.run(
        [sys.executable, "-c", QUESTIONS], env=variables, capture_output=True, text=True, check=True
    )

    # unittest and pytest are loaded, and argv says "test"; set up; a test sets Lambda's variable; in Lambda.
    assert json.loads(process.stdout) == [False, True, True, False]


def test_a_process_without_djangos_tests_asks_for_none_of_them(monkeypatch) -> None:
    monkeypatch.delitem(sys.modules, compat.TEST_UTILS)

    assert in_test_environment() is False


@pytest.mark.parametrize("client", ["lean", "boto3"])
def test_each_enqueue_asks_anew_where_it_is(aws, settings, client) -> None:
    settings.TASKS = in_tests(client=client)
    kept = tasks.answer.enqueue()
    assert aws == []

    with outside(), pytest.raises(EnqueueFailed):
        tasks.answer.enqueue()
    assert {target.partition(".")[2] for target in aws} == {"PutItem", "SendMessage"}

    aws.clear()
    assert tasks.answer.enqueue().status == tasks.answer.get_result(kept.id).status == "READY"
    assert aws == []


@pytest.mark.parametrize("read", [tasks.answer.get_result, find], ids=["get_result", "find"])
def test_each_reader_asks_anew_where_it_is(aws, read) -> None:
    def reads_nothing() -> None:
        """Read an unknown task, which is None or an exception that says so."""
        with suppress(TaskResultDoesNotExist):
            assert read("0" * 32) is None

    reads_nothing()
    with outside(), pytest.raises(failures()):
        read("0" * 32)
    assert [target.partition(".")[2] for target in aws] in (["GetItem"], ["GetItem"] * 2)

    aws.clear()
    reads_nothing()
    assert aws == []


def test_send_is_what_a_test_can_ask_for(aws, settings) -> None:
    settings.TASKS = in_tests(in_tests="send")

    with pytest.raises(EnqueueFailed):
        tasks.answer.enqueue()

    assert len(aws) == 2


def test_enqueue_many_is_kept_too(aws, offload) -> None:
    results = [*tasks.add.enqueue_many([(1,), (2,)])]

    assert offload.run() == 2
    for result in results:
        result.refresh()
    assert [result.status for result in results] == ["SUCCESSFUL"] * 2
    assert aws == []


@pytest.mark.django_db
def test_a_result_that_is_read_before_the_commit_says_what_to_do(aws) -> None:
    result = tasks.answer.enqueue()

    with pytest.raises(TaskResultDoesNotExist, match=result.id) as caught:
        result.refresh()

    (note,) = caught.value.__notes__
    assert "In a TestCase nothing commits: enqueue it inside self.captureOnCommitCallbacks(exe" in note


@pytest.mark.django_db(transaction=True)
def test_every_reader_answers_from_the_same_memory(aws, admin_client) -> None:
    unknown = "0" * 32
    # Also before anything was enqueued.
    with pytest.raises(TaskResultDoesNotExist) as caught:
        tasks.answer.get_result(unknown)
    assert not hasattr(caught.value, "__notes__")
    assert Client().get(reverse("django_offload:status", args=[unknown])).status_code == 404

    task_id = tasks.answer.enqueue().id

    page = admin_client.get(reverse("django_offload:status", args=[task_id]))
    board = admin_client.get(reverse("admin:django_offload_task_change", args=[task_id]))
    assert (page.json()["status"], task_id in board.text) == ("READY", True)
    queues = admin_client.get(reverse("admin:django_offload_task_queues"))
    assert queues.context["now"].waiting == 1
    code, output = run("offload_status", "--json")
    assert (code, json.loads(output)[0]["queues"][0]["waiting"]) == (0, 1)
    assert run("offload_dead", "list")[0] == 0

    admin_client.post(reverse("django_offload:cancel", args=[task_id]))
    result = tasks.answer.get_result(task_id)
    assert (result.status, result.errors[0].exception_class_path) == (
        "FAILED",
        "django_offload.exceptions.Cancelled",
    )
    assert aws == []


def begin_again(monkeypatch) -> None:
    """Warn as a new process does."""
    monkeypatch.setattr(memory.State, "warned", False)


def test_one_warning_names_the_option_and_the_line_that_enqueues(aws, monkeypatch) -> None:
    begin_again(monkeypatch)

    with pytest.warns(TasksKeptInMemory, match=r"nothing is sent\. .* set OPTIONS\['in_tests'\]") as caught:
        results = [tasks.answer.enqueue() for _ in range(2)]

    assert [result.status for result in results] == ["READY"] * 2
    assert [warning.filename for warning in caught] == [__file__]


def test_the_warning_fails_no_test_whatever_the_filters_say(aws, monkeypatch) -> None:
    begin_again(monkeypatch)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("error")
        result = tasks.answer.enqueue()

    assert result.status == "READY"
    assert [str(warning.message) for warning in caught] == [TasksKeptInMemory.TEXT]


def test_a_filter_can_silence_the_warning(aws, monkeypatch) -> None:
    begin_again(monkeypatch)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore", TasksKeptInMemory)
        tasks.answer.enqueue()

    assert caught == []


def test_whoever_names_the_option_or_the_fixture_is_not_warned(aws, settings, monkeypatch, request) -> None:
    begin_again(monkeypatch)
    settings.TASKS = in_tests(in_tests="memory")
    tasks.answer.enqueue()
    settings.TASKS = in_tests()
    offload = request.getfixturevalue("offload")
    tasks.answer.enqueue()

    assert offload.run() == 2
    assert not memory.State.warned


@pytest.mark.parametrize("value", ["Memory", True, None, [], "aws"])
def test_a_wrong_value_of_the_option_is_reported(settings, value) -> None:
    settings.TASKS = in_tests(in_tests=value)

    errors = [error for error in run_checks() if "in_tests" in error.msg]

    assert [(error.id, error.msg, error.hint) for error in errors] == [
        (
            "django_offload.E006",
            f"TASKS['{alias}']: OPTIONS['in_tests'] is {value!r}.",
            "Use one of: memory, send.",
        )
        for alias in ("default", "other")
    ]


def test_what_a_test_made_inside_mock_aws_ends_with_it(settings, monkeypatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_ENDPOINT_URL")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    settings.TASKS = in_tests()
    begins: list[str] = []
    monkeypatch.setattr(memory, "begin_at_each_test", lambda: begins.append("follows"))
    (options,) = {store_options.stack: store_options for store_options in configured().values()}.values()
    with mock_aws():
        with suppress(OffloadError):  # There is no table.
            find("0" * 32)
        assert isinstance(store_of(options), DynamoDBStore)
        assert clients._clients
    followed = begins.copy()

    memory.begin_test()

    assert isinstance(store_of(options), MemoryStore)
    assert not clients._clients
    # Nothing was kept yet, and unittest calls nobody at the begin of the next test by itself.
    assert followed == ["follows"]


def test_two_stacks_can_differ(aws, settings) -> None:
    settings.TASKS = in_tests(in_tests="send")
    urls = {"default": "http://127.0.0.1/1/quiet-default"}
    settings.TASKS["other"]["OPTIONS"] |= {"stack": "quiet", "in_tests": "memory", "queue_urls": urls}

    assert tasks.answer.using(backend="other").enqueue().status == "READY"
    assert aws == []
    with pytest.raises(EnqueueFailed):
        tasks.answer.enqueue()
    assert len(aws) == 2
    assert tasks.answer.using(backend="other").enqueue().status == "READY"
    assert len(aws) == 2
