"""Idioms of calling tasks, with their options, and of combining them."""

from .idiom import Idiom

CALLS = (
    Idiom(
        "f(x)",
        ("task()",),
        "Write `f.call(x)`, because a task is an object. It runs the function here, with a local context.",
        is_renamed=True,
    ),
    Idiom(
        "f.run(x)",
        ("task.run", "task.__call__", "task.__wrapped__"),
        "Write `f.call(x)`.",
        is_renamed=True,
    ),
    Idiom(
        "f.delay(x)",
        ("task.delay",),
        "Stays as it is: `f.delay(x)` is `f.enqueue(x)`. Pass numbers, text, lists and dictionaries. Inside "
        "`transaction.atomic()` the task is sent at the commit.",
        is_renamed=True,
    ),
    Idiom(
        ".delay() of something that isn't known",
        (
            *("unresolved.delay", "unresolved.apply_async", "unresolved.delay_on_commit"),
            *("unresolved.apply_async_on_commit", "unresolved.s", "unresolved.si", "unresolved.subtask"),
            *("unresolved.send_task", "unresolved.AsyncResult", "unresolved.update_state", "unresolved.task"),
            *("unresolved.ready", "unresolved.successful", "unresolved.get"),
            *("unresolved.shared_task", "unresolved.add_periodic_task", "unresolved.periodic_task"),
        ),
        "If this is one of Celery's, see the answers for `f.delay()`, `f.apply_async()` and the like.",
    ),
    Idiom(
        "a model instance as an argument",
        ("task.delay(model)", "task.apply_async(model)"),
        "Pass its primary key, such as `order.pk`, and read the instance inside the task.",
    ),
    Idiom(
        "a date, Decimal, UUID or set as an argument",
        ("task.delay(value)", "task.apply_async(value)"),
        "Pass `value.isoformat()`, `str(value)` or `list(value)`. Celery's JSON knows dates, Decimal and "
        "UUID; here `enqueue()` raises InvalidArguments.",
    ),
    Idiom(
        "f.delay_on_commit(x)",
        ("task.delay_on_commit",),
        "Write `f.delay(x)`: inside a transaction of the default database it's sent at the commit. With "
        '`"on_commit": False` in OPTIONS write `f.enqueue_on_commit(x)`.',
        is_renamed=True,
    ),
    Idiom(
        "f.apply_async_on_commit()",
        ("task.apply_async_on_commit",),
        "Write `f.enqueue(…)`, with `.using(…)` for the options.",
    ),
    Idiom(
        "transaction.on_commit(lambda: f.delay(x))",
        ("on_commit",),
        "Write `f.delay(x)` alone, because inside a transaction it's sent at the commit. Keep "
        "`on_commit` if it names another database than the default.",
    ),
    Idiom(
        "f.apply_async(args, kwargs)",
        ("task.apply_async", "task.apply_async(args=)", "task.apply_async(kwargs=)"),
        "Write `f.enqueue(*args, **kwargs)`.",
        is_renamed=True,
    ),
    Idiom(
        "apply_async(countdown=)",
        ("task.apply_async(countdown=)", "app.send_task(countdown=)", "signature.set(countdown=)"),
        "Write `f.using(run_after=timezone.now() + timedelta(seconds=60)).enqueue(…)`, with `timezone` of "
        "`django.utils`. SQSBackend takes it, LambdaBackend doesn't.",
    ),
    Idiom(
        "apply_async(eta=)",
        ("task.apply_async(eta=)", "app.send_task(eta=)", "signature.set(eta=)"),
        "Write `f.using(run_after=eta).enqueue(…)`. With USE_TZ the instant must be aware.",
    ),
    Idiom(
        "apply_async(queue=, routing_key=, exchange=)",
        (
            *("task.apply_async(queue=)", "task.apply_async(routing_key=)", "task.apply_async(exchange=)"),
            *("app.send_task(queue=)", "app.send_task(routing_key=)", "signature.set(queue=)"),
        ),
        'Write `f.using(queue_name="slow").enqueue(…)`. The queue must be in `TASKS["default"]["QUEUES"]`.',
    ),
    Idiom(
        "apply_async(priority=)",
        ("task.apply_async(priority=)", "app.send_task(priority=)", "signature.set(priority=)"),
        'SQS has no priorities. Use a queue of its own: `f.using(queue_name="urgent").enqueue(…)`.',
    ),
    Idiom(
        "apply_async(expires=)",
        ("task.apply_async(expires=)", "app.send_task(expires=)", "signature.set(expires=)"),
        "There is no expiry. At the start of the task, return if "
        "`timezone.now() - context.task_result.enqueued_at` is too long.",
    ),
    Idiom(
        "apply_async(task_id=)",
        ("task.apply_async(task_id=)", "app.send_task(task_id=)", "signature.set(task_id=)"),
        "The backend chooses the id. Store `result.id` of `f.enqueue(…)`; to refuse a second task, look "
        "in your database first.",
    ),
    Idiom(
        "apply_async(link=, link_error=)",
        (
            *(
                "task.apply_async(link=)",
                "task.apply_async(link_error=)",
                "signature.link",
                "signature.on_error",
            ),
            *(
                "signature.link_error",
                "app.send_task(link=)",
                "app.send_task(link_error=)",
                "signature.set(link*=)",
            ),
        ),
        "For `link`, enqueue the next task at the end of the task. For `link_error`, receive "
        "`django.tasks.signals.task_finished`, and look at `task_result.status` and `task_result.errors`.",
    ),
    Idiom(
        "apply_async(soft_time_limit=, time_limit=)",
        (
            "task.apply_async(soft_time_limit=)",
            "task.apply_async(time_limit=)",
            "signature.set(*time_limit=)",
        ),
        "Write `f.using(timeout=60).enqueue(…)`.",
    ),
    Idiom(
        "apply_async(retry=, retry_policy=, ignore_result=, serializer=, compression=)",
        (
            *(
                "task.apply_async(retry=)",
                "task.apply_async(retry_policy=)",
                "task.apply_async(ignore_result=)",
            ),
            *(
                "task.apply_async(serializer=)",
                "task.apply_async(compression=)",
                "task.apply_async(connection=)",
            ),
            *(
                "task.apply_async(producer=)",
                "task.apply_async(publisher=)",
                "task.apply_async(add_to_parent=)",
            ),
            *(
                "task.apply_async(delivery_mode=)",
                "task.apply_async(mandatory=)",
                "task.apply_async(immutable=)",
            ),
            *("app.send_task(retry=)", "app.send_task(serializer=)", "app.send_task(connection=)"),
            *("app.send_task(ignore_result=)",),
        ),
        "Remove it. Sending is tried again within 8 s, the result is stored, and arguments are JSON.",
    ),
    Idiom(
        "apply_async(headers=, shadow=, reply_to=, stamped_headers=)",
        (
            *("task.apply_async(headers=)", "task.apply_async(shadow=)", "task.apply_async(reply_to=)"),
            *(
                "task.apply_async(stamped_headers=)",
                "task.apply_async(group_id=)",
                "task.apply_async(chord=)",
            ),
            *("task.apply_async(parent_id=)", "task.apply_async(root_id=)", "signature.stamp"),
            *("app.send_task(headers=)",),
        ),
        "A message has no headers. Pass what the task needs as an argument.",
    ),
    Idiom(
        "apply_async(**options)",
        ("task.apply_async(...)", "app.send_task(...)", "signature.set(...)"),
        "Write the options out as `f.using(…)`: `run_after`, `queue_name`, `backend` and the options of the "
        "reference.",
    ),
    Idiom(
        "f.apply(…)",
        ("task.apply", "task.apply(*"),
        "To run the task here, write `f.call(…)`: it returns the value, or raises. To have a result too, "
        "use the fixture `offload` in tests.",
    ),
    Idiom(
        "app.send_task(name)",
        ("app.send_task", "app.send_task(args=)", "app.send_task(kwargs=)", "app.send_task(name=)"),
        "Import the task, and call `.enqueue(…)`. A task of another project can't be enqueued from here; "
        "send a request to its site.",
    ),
    Idiom(
        "app.tasks[name]",
        ("app.tasks", "app.tasks.*", "app.tasks[]", "app.finalize"),
        "Import the task, or look it up with `import_string(path)` of `django.utils.module_loading`.",
    ),
    Idiom(
        "f.s(), f.si(), signature()",
        (
            "task.s",
            "task.si",
            "task.signature",
            "celery.signature",
            "signature",
            "signature.*",
            "signature[]",
        ),
        "There are no signatures. Pass the task and its arguments, and call `f.enqueue(*args)` where it "
        "starts.",
    ),
    Idiom(
        "chain(), a | b",
        ("celery.chain", "|"),
        "Enqueue the next task at the end of the one before: `second.delay(value)`. Or call the "
        "functions one after the other in one task, each as `context.step(key, function)`.",
    ),
    Idiom(
        "group()",
        ("celery.group",),
        "Write `for result in f.enqueue_many((x,) for x in items): …`. Store the ids to ask for their "
        "results.",
    ),
    Idiom(
        "chord()",
        ("celery.chord",),
        "Count the finished parts in a model. The part that brings the count to its end, under "
        "`select_for_update()`, enqueues the callback.",
    ),
    Idiom(
        "f.map(), f.starmap(), f.chunks()",
        ("task.map", "task.starmap", "task.chunks", "celery.chunks", "celery.xmap", "celery.xstarmap"),
        "For a task of each item write `f.enqueue_many((x,) for x in items)`, and iterate over the "
        "answers. For one task of many items pass the list.",
    ),
)
