"""What offload_init --from celery rewrites by itself: pure renames, and only where they are surely right."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from django_offload.deploy.scaffold.migrate_from import Report, report
from django_offload.stack.layout import Layout

TASK = "from celery import shared_task\n\n\n@shared_task\ndef fee(order: int):\n    return str(order)\n"
CALL = "from .tasks import fee\n\n\ndef start():\n    fee.delay(1)\n"


def report_on(folder: Path, files: Mapping[str, str]) -> Report:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    layout = Layout(root=folder, source=folder, settings_module="shop.settings")
    return report(layout, "celery", app_names=["orders", "shop"])


def added(result: Report, path: str) -> list[str]:
    return [
        line[1:]
        for line in result.diffs.get(path, "").split("\n")
        if line.startswith("+") and not line.startswith("+++")
    ]


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("", "@task"),
        ("()", "@task"),
        ("(name='x')", "@task(name='x')"),
        ("(queue='slow', name='x')", "@task(queue_name='slow', name='x')"),
    ],
)
def test_a_decorator_is_renamed(tmp_path: Path, theirs: str, ours: str) -> None:
    tasks = TASK.replace("@shared_task", f"@shared_task{theirs}")

    result = report_on(tmp_path, {"orders/tasks.py": tasks, "orders/views.py": CALL})

    assert added(result, "orders/tasks.py") == ["from django_offload import task", ours]
    assert result.notes == []


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("fee(1)", "fee.call(1)"),
        ("fee.run(1)", "fee.call(1)"),
        ("fee.delay_on_commit(1)", "fee.delay(1)"),
        ("fee.apply_async()", "fee.enqueue()"),
        ("fee.apply_async((1,))", "fee.enqueue(1)"),
        ("fee.apply_async([1], {'x': é})", "fee.enqueue(1, x=é)"),
        ("fee.apply_async(\n        args=(\n            1,\n        ),\n    )", "fee.enqueue(1)"),
        ("fee.apply_async(kwargs={'order': 1})", "fee.enqueue(order=1)"),
        ("é = 'é'; fee.apply_async(((1),))", "é = 'é'; fee.enqueue(1)"),
    ],
)
def test_a_call_is_renamed_with_its_task(tmp_path: Path, theirs: str, ours: str) -> None:
    views = f"from .tasks import fee\n\n\ndef start():\n    é = 'é'\n    {theirs}\n"

    result = report_on(tmp_path, {"orders/tasks.py": TASK, "orders/views.py": views})

    assert [line.strip() for line in added(result, "orders/views.py")] == [ours]
    assert result.notes == []


@pytest.mark.parametrize(
    "views",
    [
        "from orders import tasks as t\n\n\ndef start():\n    return t.fee.delay(1).id\n",
        "import orders.tasks\n\n\ndef start():\n    r = orders.tasks.fee.delay(1)\n    return r.id\n",
        "from .tasks import *\n\n\ndef start():\n    fee.delay(1)\n",
        "from . import fee\n\n\ndef start():\n    on_commit(lambda: fee.delay(1))\n",
        "from . import tasks\n\n\ndef start():\n    tasks.fee.delay(len(tasks.seen))\n",
        "def start():\n    from shop.all_tasks import fee as f\n    for n in range(3):\n        f.delay(n)\n",
    ],
)
def test_a_delay_stays_wherever_its_task_comes_from(tmp_path: Path, views: str) -> None:
    files = {
        "orders/tasks.py": f"{TASK}\n\nseen = []\n",
        "orders/__init__.py": "from .tasks import fee\n",
        "shop/all_tasks.py": "from orders import *\n",
        "orders/views.py": views,
    }

    result = report_on(tmp_path, files)

    if "import *" in views:  # Nothing says which of its names the module itself binds.
        assert result.diffs == {}
    else:
        assert list(result.diffs) == ["orders/tasks.py"]


@pytest.mark.parametrize(
    ("why", "tasks", "views"),
    [
        (
            "a decorator of the project",
            "def own(f):\n    return shared_task(f)\n\n\n@own\ndef fee(x: int): ...\n",
            "",
        ),
        ("Celery doesn't await it", "@shared_task\nasync def fee(x: int): ...\n", ""),
        ("defined more than once", "@shared_task\ndef fee(x: int): ...\n\n\nfee = audited(fee)\n", ""),
        ("another decorator may change", "@shared_task\n@cached\ndef fee(x: int): ...\n", ""),
        ("nothing in the project calls it", "", "pass"),
        ("positional arguments", "@shared_task(*OPTIONS)\ndef fee(x: int): ...\n", ""),
        ("name= isn't a plain name", "@shared_task(name=NAME)\ndef fee(x: int): ...\n", ""),
        ("queue= isn't a plain name", "@shared_task(queue='a.b')\ndef fee(x: int): ...\n", ""),
        ("return value may not be JSON", "@shared_task\ndef fee(x: int):\n    return now()\n", ""),
        ("return value may not be JSON", "@shared_task\ndef fee(x: int):\n    yield x\n", ""),
        ("has no exact counterpart", "@shared_task(bind=True)\ndef fee(self, x: int): ...\n", ""),
        ("has no exact counterpart", "@shared_task(time_limit=3)\ndef fee(x: int): ...\n", ""),
        ("another decorator may change", "@f\n@shared_task\ndef fee(x: int): ...\n", ""),
        ("has no exact counterpart", "def g():\n    @shared_task\n    def fee(x: int): ...\n", ""),
        ("its code uses Celery", "@shared_task\ndef fee(x: int):\n    current_app.control.purge()\n", ""),
        ("its code uses Celery", "@shared_task\ndef fee(x: int):\n    other.delay(x)\n", ""),
        ("aren't written out", "", "fee.apply_async((1,), countdown=3)"),
        ("has no exact counterpart", "", "fee.s(1)"),
        ("used as a value", "", "partial(fee.delay, 1)"),
        ("has no exact counterpart", "", "run([fee])"),
        ("may not be JSON", "", "fee.apply_async((order,))"),
        ("may not be JSON", "", "fee.delay(*numbers)"),
        ("may not be JSON", "", "fee.delay(**numbers)"),
        ("may not be JSON", "@shared_task\ndef fee(order): ...\n", "fee.delay(order.pk)"),
        ("aren't written out", "", "fee.apply_async(numbers)"),
        ("aren't written out", "", "fee.apply_async((1,  # The first.\n    ))"),
        ("aren't written out", "", "fee.apply_async(kwargs={'class': 1})"),
        ("aren't written out", "", "fee.apply_async(kwargs={'order': 1}, args=(2,))"),
        ("result", "", "return fee.delay(1)"),
        ("result", "", "r = fee.delay(1)\n    return r.id, r"),
        ("result.get", "", "return fee.delay(1).get()"),
        ("delay_on_commit() is used", "", "return fee.delay_on_commit(1)"),
        (
            "more than one meaning",
            "",
            "fee.delay(1)\n\n\ntry:\n    from .other import fee\nexcept OSError:\n    pass",
        ),
        ("a text names it", "", "patch('orders.tasks.fee.delay')"),
        ("a text names it", "", "import_string('orders.tasks.fee')"),
        ("used as a value", "", "reload(tasks)"),
        ("rows of django_celery_beat", "", "INSTALLED_APPS = ['django_celery_beat']"),
        ("tasks are looked up by name", "", "current_app.tasks['x']"),
        ("app.send_task() may name it", "", "current_app.send_task(name)"),
        ("another class", "", "app = Celery(task_cls='shop.Base')"),
        ("another class", "", "current_app.Task = Base"),
        ("arguments may not be JSON", "", "CELERY_TASK_SERIALIZER = 'pickle'"),
        ("task_annotations", "", "CELERY_TASK_ANNOTATIONS = {}"),
        ("task_routes gives it a queue", "", "CELERY_TASK_ROUTES = {'orders.*': {'queue': 'slow'}}"),
        ("task_routes gives it a queue", "", "CELERY_TASK_ROUTES = [Router()]"),
    ],
)
def test_a_task_stays_if_a_rename_could_be_wrong(tmp_path: Path, why: str, tasks: str, views: str) -> None:
    head = "from celery import current_app, shared_task\nfrom shop.later import other\n\n\n"
    files = {
        "orders/tasks.py": head + tasks if tasks else TASK,
        "shop/later.py": "from celery import shared_task\n\n\n"
        "@shared_task(bind=True)\ndef other(self, x): ...\n",
        "orders/views.py": "from celery import Celery, current_app\n"
        "from . import tasks\nfrom .tasks import fee\n\n\n"
        f"def start(order, numbers):\n    {views or 'fee.delay(1)'}\n",
    }

    result = report_on(tmp_path, files)

    assert result.diffs == {}
    assert result.findings is not None
    reasons = [place.why for places in result.findings.decisions.values() for place in places]
    assert any(why in reason for reason in reasons), reasons


@pytest.mark.parametrize(
    ("argument", "is_json"),
    [
        ("1", True),
        ("-1.5", True),
        ("None", True),
        ("f'{order}'", True),
        ("'a' + 'b' * 2", True),
        ("'%s' % 1", True),
        ("[1, ('a', {'b': True})]", True),
        ("str(order)", True),
        ("len(order)", True),
        ("', '.join(order)", True),
        ("order is None", True),
        ("not order", True),
        ("1 if order else 'x'", True),
        ("known", True),
        ("number", True),
        ("loop", True),
        ("item", True),
        ("order", False),
        ("order.pk", False),
        ("order.pk == 1", False),
        ("'%s' % order", False),
        ("[order]", False),
        ("{'a': order}", False),
        ("{**order}", False),
        ("{1: 2}", False),
        ("{1, 2}", False),
        ("b'x'", False),
        ("1j", False),
        ("...", False),
        ("1e999", False),
        ("float(order)", False),
        ("ratio", False),
        ("1 or order", False),
        ("filled", False),
        ("changed", False),
        ("given_away", False),
        ("added", False),
        ("int(order, hex=hex)", True),
        ("bool(order)", False),
        ("row", False),
        ("[n for n in order]", False),
        ("lambda: 1", False),
    ],
)
def test_an_argument_must_surely_be_json(tmp_path: Path, argument: str, is_json: bool) -> None:
    tasks = TASK.replace("order: int", "order, *more")
    views = f"""from .tasks import fee
from .own import bool

def start(order, number: int | None, ratio: float):
    known = "x"
    filled = []
    filled.append(order)
    changed = 1
    changed = order
    given_away = 1
    added = 1
    added += order

    def change():
        nonlocal given_away
        given_away = order

    for loop in range(3):
        for item in (1, 2):
            for row in [[1]]:
                fee.delay({argument})
"""

    result = report_on(tmp_path, {"orders/tasks.py": tasks, "orders/views.py": views})

    assert bool(result.diffs) is is_json


def test_a_parameter_of_the_same_name_is_no_task(tmp_path: Path) -> None:
    views = "from .tasks import fee\n\n\ndef total(fee):\n    return fee(3)\n\n\ndef other():\n    fee(3)\n"

    result = report_on(tmp_path, {"orders/tasks.py": TASK, "orders/views.py": views})

    assert added(result, "orders/views.py") == ["    fee.call(3)"]


def test_an_import_that_another_module_uses_stays(tmp_path: Path) -> None:
    other = "from .tasks import shared_task\n\n\n@shared_task(bind=True)\ndef total(self): ...\n"

    result = report_on(tmp_path, {"orders/tasks.py": TASK, "orders/views.py": CALL, "orders/more.py": other})

    assert added(result, "orders/tasks.py") == ["from django_offload import task", "@task"]
    assert "-from celery import shared_task" not in result.diffs["orders/tasks.py"]


def test_a_name_that_is_taken_is_not_reused(tmp_path: Path) -> None:
    code = TASK + "\n\nfor task in range(3):\n    fee(task)\n"

    result = report_on(tmp_path, {"orders/tasks.py": code})

    assert added(result, "orders/tasks.py") == [
        "from django_offload import task as offload_task",
        "@offload_task",
        "    fee.call(task)",
    ]


def test_a_logger_is_renamed_with_the_last_task_of_its_module(tmp_path: Path) -> None:
    head = "from celery.utils.log import get_task_logger\n\nlog = get_task_logger(__name__)\n"
    more = "\n\n@shared_task(bind=True)\ndef total(self): ...\n"
    tasks = TASK.replace("\n\n\n", f"\n{head}\n\n", 1)

    alone = report_on(tmp_path / "a", {"orders/tasks.py": tasks, "orders/views.py": CALL})
    mixed = report_on(tmp_path / "b", {"orders/tasks.py": tasks + more, "orders/views.py": CALL})

    assert "log = logging.getLogger(__name__)" in added(alone, "orders/tasks.py")
    assert "logging" not in mixed.diffs["orders/tasks.py"].replace("get_task_logger", "")


@pytest.mark.parametrize(
    ("head", "changes"),
    [("\ufeff", False), ("# coding: latin-1\n", False), ("# coding: utf-8\n", True), ("\x0c\n", True)],
)
def test_only_plain_utf_8_is_changed(tmp_path: Path, head: str, changes: bool) -> None:
    result = report_on(tmp_path, {"orders/tasks.py": head + TASK, "orders/views.py": CALL})

    assert bool(result.diffs) is changes
    assert (result.findings is not None and result.findings.places > 0) is not changes
    if changes:
        assert added(result, "orders/tasks.py")[-1] == "@task"


def test_code_that_python_refuses_keeps_nothing_from_being_renamed(tmp_path: Path) -> None:
    files = {"orders/tasks.py": TASK, "orders/views.py": CALL, "old.py": "print 1\n", "bin.py": "x\0"}

    result = report_on(tmp_path, files)

    assert list(result.diffs) == ["orders/tasks.py"]
    assert [note.path for note in result.unread] == ["bin.py", "old.py"]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (f"x = {' + '.join(['y'] * 2_000)}\n", "is nested too deeply"),
        (f"{'#' * 1_000_001}\n", "is larger than 1,000,000 bytes"),
    ],
)
def test_nothing_is_renamed_if_a_module_cannot_be_followed(tmp_path: Path, code: str, reason: str) -> None:
    result = report_on(tmp_path, {"orders/tasks.py": TASK, "orders/views.py": CALL, "shop/deep.py": code})

    assert result.diffs == {}
    assert [(note.path, note.text) for note in result.unread] == [("shop/deep.py", reason)]
    assert result.findings is not None
    assert "couldn't be read" in str(result.findings.decisions)


def test_what_the_table_does_not_know_is_listed(tmp_path: Path) -> None:
    code = (
        "from celery import shared_task\n\n\n"
        "@shared_task(bind=True, wings=2)\ndef fee(self):\n    self.fly()\n"
    )

    result = report_on(tmp_path, {"orders/tasks.py": code})

    assert result.findings is not None
    assert [(place.line, place.use) for place in result.findings.unknown] == [
        (4, "@task(wings=)"),
        (6, "task.fly"),
    ]
