"""Cases of calling tasks, and of combining them."""

from .case import Case

# A task that stays Celery's, so that its calls are listed.
_TASK = """
from celery import shared_task

@shared_task  #: @
def fee(order):
    return order.total
"""
_HEAD = "# file: orders/views.py\nfrom . import tasks\nfrom .tasks import fee\n"


def called(code: str, head: str = "") -> str:
    """Return a project with a task and a module that calls it."""
    return f"{_TASK}\n{_HEAD}{head}\n{code}\n"


CASES = (
    Case("f(x)", "f.call(x)", called("fee(1)  #: f(x)\ntasks.fee(2)  #: f(x)")),
    Case("f.run(x)", "f.call(x)", called("fee.run(1)  #: f.run(x)")),
    Case("f.delay(x)", "Stays as it is", called("tasks.fee.delay(1)  #: f.delay(x)")),
    Case(
        ".delay() of something that isn't known",
        "see the answers",
        called(
            "def start(name, job):\n"
            "    getattr(job, name).delay(1)  #: .delay() of something that isn't known\n"
            "    job.task.apply_async((1,))  #: .delay() of something that isn't known\n"
        ),
    ),
    Case(
        "a model instance as an argument",
        "order.pk",
        called(
            "def view(request):\n"
            "    order = get_object_or_404(Order, pk=1)\n"
            "    fee.delay(order)  #: f.delay(x) & a model instance as an argument\n"
            "    fee.delay(request.user)  #: f.delay(x) & a model instance as an argument\n"
            "    fee.apply_async((Order.objects.create(),))"
            "  #: f.apply_async(args, kwargs) & a model instance as an argument\n"
        ),
    ),
    Case(
        "a date, Decimal, UUID or set as an argument",
        "isoformat()",
        called(
            "fee.delay(uuid4())  #: f.delay(x) & a date, Decimal, UUID or set as an argument\n"
            "fee.delay({1, 2})  #: f.delay(x) & a date, Decimal, UUID or set as an argument"
        ),
    ),
    Case(
        "f.delay_on_commit(x)",
        "Write `f.delay(x)`",
        called("fee.delay_on_commit(1)  #: f.delay_on_commit(x)"),
    ),
    Case(
        "f.apply_async_on_commit()",
        "f.enqueue(…)",
        called("fee.apply_async_on_commit((1,))  #: f.apply_async_on_commit()"),
    ),
    Case(
        "transaction.on_commit(lambda: f.delay(x))",
        "`f.delay(x)` alone",
        called(
            "transaction.on_commit(lambda: fee.delay(1))  #: transaction.on_commit(lambda: f.delay(x)) & f.delay(x)\n"
            "on_commit(partial(fee.delay, 1))  #: transaction.on_commit(lambda: f.delay(x)) & f.delay(x)"
        ),
    ),
    Case(
        "f.apply_async(args, kwargs)",
        "f.enqueue(*args, **kwargs)",
        called("fee.apply_async(args=(1,), kwargs={})  #: f.apply_async(args, kwargs)"),
    ),
    Case(
        "apply_async(countdown=)",
        "f.using(run_after=timezone.now() + timedelta(seconds=60))",
        called(
            "fee.apply_async((1,), countdown=9)  #: f.apply_async(args, kwargs) & apply_async(countdown=)"
        ),
    ),
    Case(
        "apply_async(eta=)",
        "run_after=eta",
        called("fee.apply_async((1,), eta=soon)  #: f.apply_async(args, kwargs) & apply_async(eta=)"),
    ),
    Case(
        "apply_async(queue=, routing_key=, exchange=)",
        'queue_name="slow"',
        called(
            'fee.apply_async((1,), queue="slow")'
            "  #: f.apply_async(args, kwargs) & apply_async(queue=, routing_key=, exchange=)"
        ),
    ),
    Case(
        "apply_async(priority=)",
        "no priorities",
        called("fee.apply_async((1,), priority=1)  #: f.apply_async(args, kwargs) & apply_async(priority=)"),
    ),
    Case(
        "apply_async(expires=)",
        "enqueued_at",
        called("fee.apply_async((1,), expires=60)  #: f.apply_async(args, kwargs) & apply_async(expires=)"),
    ),
    Case(
        "apply_async(task_id=)",
        "result.id",
        called('fee.apply_async((1,), task_id="a")  #: f.apply_async(args, kwargs) & apply_async(task_id=)'),
    ),
    Case(
        "apply_async(link=, link_error=)",
        "task_finished",
        called(
            "fee.apply_async((1,), link_error=tasks.fee.si(2))"
            "  #: f.apply_async(args, kwargs) & apply_async(link=, link_error=) & f.s(), f.si(), signature()"
        ),
    ),
    Case(
        "apply_async(soft_time_limit=, time_limit=)",
        "using(timeout=60)",
        called(
            "fee.apply_async((1,), time_limit=60)"
            "  #: f.apply_async(args, kwargs) & apply_async(soft_time_limit=, time_limit=)"
        ),
    ),
    Case(
        "apply_async(retry=, retry_policy=, ignore_result=, serializer=, compression=)",
        "within 8 s",
        called(
            "fee.apply_async((1,), retry=False, ignore_result=True)  #: f.apply_async(args, kwargs)"
            " & apply_async(retry=, retry_policy=, ignore_result=, serializer=, compression=)"
        ),
    ),
    Case(
        "apply_async(headers=, shadow=, reply_to=, stamped_headers=)",
        "no headers",
        called(
            'fee.apply_async((1,), shadow="x", headers={})'
            "  #: f.apply_async(args, kwargs) & apply_async(headers=, shadow=, reply_to=, stamped_headers=)"
        ),
    ),
    Case(
        "apply_async(**options)",
        "f.using(…)",
        called("fee.apply_async((1,), **options)  #: f.apply_async(args, kwargs) & apply_async(**options)"),
    ),
    Case("f.apply(…)", "f.call(…)", called("fee.apply(args=(1,))  #: f.apply(…)")),
    Case(
        "app.send_task(name)",
        "Import the task",
        """
        # file: orders/views.py
        from celery import current_app
        from celery.execute import send_task
        current_app.send_task("billing.invoice", args=[1])  #: app.send_task(name)
        send_task("billing.invoice")  #: app.send_task(name)
        """,
    ),
    Case(
        "app.tasks[name]",
        "import_string(path)",
        """
        # file: orders/views.py
        from celery import current_app
        current_app.tasks[name].delay(1)  #: app.tasks[name] & f.delay(x)
        """,
    ),
    Case(
        "f.s(), f.si(), signature()",
        "There are no signatures",
        called(
            "first = fee.s(1)  #: f.s(), f.si(), signature()\n"
            "first.apply_async()  #: f.s(), f.si(), signature()"
        ),
    ),
    Case(
        "chain(), a | b",
        "context.step(key, function)",
        called(
            "from celery import chain\n"
            "chain(fee.s(1), fee.s())()  #: chain(), a | b & f.s(), f.si(), signature()\n"
            "(fee.s(1) | fee.s()).delay()  #: chain(), a | b & f.s(), f.si(), signature()"
        ),
    ),
    Case(
        "group()",
        "f.enqueue_many((x,) for x in items)",
        called(
            "import celery.canvas\n"
            "celery.canvas.group(fee.s(x) for x in items)()  #: group() & f.s(), f.si(), signature()"
        ),
    ),
    Case(
        "chord()",
        "select_for_update()",
        called(
            "from celery import chord\nchord([fee.s(1)])(fee.s())  #: chord() & f.s(), f.si(), signature()"
        ),
    ),
    Case(
        "f.map(), f.starmap(), f.chunks()",
        "f.enqueue_many(",
        called("fee.chunks(items, 10)  #: f.map(), f.starmap(), f.chunks()"),
    ),
)
