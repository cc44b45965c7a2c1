"""Cases of results."""

from .calls import called
from .case import Case


def result(code: str) -> str:
    """Return a module that asks for a result and uses it."""
    lines = "\n".join(f"    {line}" for line in code.splitlines())
    return (
        "# file: orders/views.py\nfrom celery.result import AsyncResult\n\n\n"
        f"def state(request, id):\n    result = AsyncResult(id)  #: AsyncResult(id)\n{lines}\n"
    )


CASES = (
    Case(
        "AsyncResult(id)",
        "default_task_backend.get_result(id)",
        called("def state(id):\n    return fee.AsyncResult(id)  #: AsyncResult(id)"),
    ),
    Case(
        "result.id",
        "`.id` is the id",
        called("def start():\n    return fee.delay(1).id  #: f.delay(x) & result.id"),
    ),
    Case(
        "result.get(), wait(), join(), collect()",
        "accepted(result)",
        called(
            "def start(items):\n"
            "    fee.delay(1).get(timeout=3)  #: f.delay(x) & result.get(), wait(), join(), collect()\n"
            "    results = [fee.delay(item) for item in items]  #: f.delay(x)\n"
            "    return [result.get() for result in results]  #: result.get(), wait(), join(), collect()"
        ),
    ),
    Case("result.ready()", "result.is_finished", result("return result.ready()  #: result.ready()")),
    Case(
        "result.successful(), result.failed()",
        "TaskResultStatus.SUCCESSFUL",
        result("return result.failed()  #: result.successful(), result.failed()"),
    ),
    Case(
        "result.state, result.status",
        "FAILURE and REVOKED are FAILED",
        result('return result.status == "FAILURE"  #: result.state, result.status'),
    ),
    Case(
        "result.result, result.info",
        "result.return_value",
        result("return result.info or result.result  #: result.result, result.info"),
    ),
    Case(
        "result.traceback",
        "result.errors[-1].traceback",
        result("return result.traceback  #: result.traceback"),
    ),
    Case("result.revoke()", "--cancel", result("result.revoke(terminate=True)  #: result.revoke()")),
    Case("result.forget()", "result_ttl", result("result.forget()  #: result.forget()")),
    Case(
        "result.date_done, args, kwargs, name, worker",
        "result.finished_at",
        result("return result.date_done  #: result.date_done, args, kwargs, name, worker"),
    ),
    Case(
        "result.children, parent, graph, then()",
        "stands alone",
        result("return result.children  #: result.children, parent, graph, then()"),
    ),
    Case(
        "GroupResult, ResultSet",
        "Store the ids",
        """
        # file: orders/views.py
        from celery.result import GroupResult

        def state(id):
            return GroupResult.restore(id)  #: GroupResult, ResultSet
        """,
    ),
    Case(
        "EagerResult",
        "offload.run()",
        """
        # file: orders/tests.py
        from celery.result import EagerResult

        def test_fee():
            assert isinstance(start(), EagerResult)  #: EagerResult
        """,
    ),
    Case(
        "django_celery_results",
        "default_task_backend.get_result(id)",
        """
        # file: orders/views.py
        from django_celery_results.models import TaskResult
        found = TaskResult.objects.filter(status="SUCCESS")  #: django_celery_results
        # file: shop/settings.py
        INSTALLED_APPS = [
            "orders",
            "django_celery_results",  #: django_celery_results
        ]
        """,
    ),
    Case(
        "allow_join_result()",
        "no task waits for another",
        """
        # file: orders/views.py
        from celery.result import allow_join_result

        with allow_join_result():  #: allow_join_result()
            pass
        """,
    ),
    Case(
        "celery_progress",
        "{% task_progress result %}",
        """
        # file: orders/views.py
        from celery_progress.backend import ProgressRecorder

        def work(task):
            ProgressRecorder(task).set_progress(1, 2)  #: celery_progress
        """,
    ),
)
