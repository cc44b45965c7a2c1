"""The others, each as its own documentation has it."""

import os
from typing import Any

from . import Work


def celery() -> Work:
    from tests.benchmarks.celery_app import nothing

    return Work(once=lambda: nothing.delay(7))


def zappa() -> Work:
    os.environ.setdefault("AWS_LAMBDA_FUNCTION_NAME", "bench-web")
    from zappa.asynchronous import LambdaAsyncResponse

    def once() -> None:
        # What a function decorated with @task does on Lambda, where alone it is asynchronous.
        sent = LambdaAsyncResponse(lambda_function_name="bench-web", aws_region="us-east-1")
        sent.send("tests.benchmarks.tasks.nothing", [7], {})

    return Work(once=once)


def dramatiq() -> Work:
    import dramatiq as module
    from dramatiq_sqs import SQSBroker

    broker = SQSBroker(namespace="bench")
    module.set_broker(broker)
    actor = module.actor(lambda number: None, actor_name="nothing", broker=broker)
    return Work(once=lambda: actor.send(7))


def django_tasks_sqs() -> Work:
    nothing = _task("sqs")
    return Work(once=lambda: nothing.enqueue(7), awaited=lambda: nothing.aenqueue(7))


def django_tasks_sqs_many() -> Work:
    from django.tasks import task_backends

    nothing, backend, bulk = _task("sqs"), task_backends["sqs"], 50
    calls = [(nothing, (number,), {}) for number in range(bulk)]
    return Work(once=lambda: backend.enqueue_many(calls), tasks=bulk)


def django_tasks_db() -> Work:
    nothing = _task("db")
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    return Work(once=lambda: nothing.enqueue(7), awaited=lambda: nothing.aenqueue(7))


def lambda_tasks() -> Work:
    import django

    django.setup()
    from lambda_tasks.models import SQSLambdaTask, SQSLambdaTaskMessage

    def once() -> None:
        message = SQSLambdaTaskMessage(
            task_name="tests.benchmarks.tasks.nothing", kwargs={"number": 7}, n_retries=0
        )
        SQSLambdaTask(message=message, delay=0, queue="default").execute_on_commit()

    return Work(once=once)


def _task(backend: str) -> Any:
    import django

    django.setup()
    from tests.benchmarks.others_tasks import nothing

    return nothing.using(backend=backend)
