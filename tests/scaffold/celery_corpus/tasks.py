"""Cases of defining tasks."""

from .case import Case

CASES = (
    Case(
        "@shared_task, @app.task",
        "from django_offload import task",
        """
        import celery as c
        from celery import shared_task as st
        from shop.celery import app

        @st  #: @
        def one(order):
            return order.total

        @c.shared_task()  #: @
        def two(order):
            return order.total

        @app.task  #: @
        def three(order):
            return order.total

        # file: shop/celery.py
        from celery import Celery
        app = Celery("shop")  #: Celery(), the app
        """,
    ),
    Case(
        "a decorator of the project that makes tasks",
        "Let the decorator return `task(…)`",
        """
        from shop.tasking import fast_task, plain

        @fast_task(name="x")  #: a decorator of the project that makes tasks & name=
        def one(order): ...

        @plain  #: a decorator of the project that makes tasks
        def two(order): ...

        # file: shop/tasking.py
        from celery import shared_task
        def fast_task(*args, **kwargs):
            kwargs["queue"] = "fast"
            return shared_task(*args, **kwargs)  #: shared_task or app.task as a value & **options of a decorator

        def plain(function):
            return shared_task(function)  #: a task made by a call, such as fee = shared_task(function)
        """,
    ),
    Case(
        "a task outside of an app's tasks module",
        'OPTIONS["modules"]',
        """
        # file: orders/jobs.py
        from celery import shared_task

        @shared_task  #: @ & a task outside of an app's tasks module
        def fee(order):
            return order.total
        """,
    ),
    Case(
        "a task inside a function or class",
        "at the top of its module",
        """
        from celery import shared_task

        class Jobs:
            @shared_task  #: @ & a task inside a function or class
            def fee(): ...
        """,
    ),
    Case(
        "a task that has other decorators above its own",
        "Put `@task` first",
        """
        from celery import shared_task
        from django.db.models.signals import post_save
        from django.dispatch import receiver

        @receiver(post_save)
        @shared_task  #: @ & a task that has other decorators above its own
        def fee(sender, **kwargs): ...
        """,
    ),
    Case(
        "a task made by a call, such as fee = shared_task(function)",
        "fee = task(function)",
        """
        from celery import shared_task

        def work(order): ...

        fee = shared_task(work)  #: a task made by a call, such as fee = shared_task(function)
        fee.delay(1)  #: f.delay(x)
        """,
    ),
    Case(
        "shared_task or app.task as a value",
        "Replace it by `task`",
        """
        from functools import partial
        from celery import shared_task

        slow = partial(shared_task, queue="slow")  #: shared_task or app.task as a value
        """,
    ),
    Case(
        "@periodic_task",
        "@task(schedule=every(minutes=5))",
        """
        from celery.task import periodic_task
        from celery.task.schedules import crontab

        @periodic_task(run_every=crontab(minute=5))  #: @periodic_task & crontab(), schedule(), solar()
        def clean(): ...
        """,
    ),
    Case(
        "class MyTask(Task), base=",
        "A task is a function",
        """
        import celery
        from celery import shared_task

        class Base(celery.Task):  #: class MyTask(Task), base=
            abstract = True
            def on_failure(self, exc, task_id, args, kwargs, einfo): ...

        @shared_task(base=Base)  #: @ & class MyTask(Task), base=
        def fee(): ...
        """,
    ),
    Case(
        "app.register_task()",
        "Nothing needs to be registered",
        """
        from celery import Task
        from shop.celery import app

        class Fee(Task):  #: class MyTask(Task), base=
            def run(self, order): ...

        fee = app.register_task(Fee())  #: app.register_task() & class MyTask(Task), base=

        # file: shop/celery.py
        from celery import Celery
        app = Celery()  #: Celery(), the app
        """,
    ),
    Case(
        "bind=True",
        "@task(takes_context=True)",
        """
        from celery import shared_task

        @shared_task(bind=True)  #: @ & bind=True
        def fee(self): ...
        """,
    ),
    Case(
        "name=",
        "is the same option",
        """
        from celery import shared_task

        NAME = "fees"

        @shared_task(name=NAME)  #: @ & name=
        def fee(): ...
        """,
    ),
    Case(
        "queue=, routing_key= of a task",
        "queue_name=",
        """
        from celery import shared_task

        @shared_task(queue="high.priority")  #: @ & queue=, routing_key= of a task
        def fee(): ...
        """,
    ),
    Case(
        "autoretry_for=",
        "max_attempts=4",
        """
        from celery import shared_task

        @shared_task(autoretry_for=(OSError,))  #: @ & autoretry_for=
        def fee(): ...
        """,
    ),
    Case(
        "dont_autoretry_for=",
        "no_retry_on",
        """
        from celery import shared_task

        @shared_task(autoretry_for=(Exception,), dont_autoretry_for=(ValueError,))  #: @ & autoretry_for= & dont_autoretry_for=
        def fee(): ...
        """,
    ),
    Case(
        "max_retries=, retry_kwargs=",
        "max_attempts=N + 1",
        """
        from celery import shared_task

        @shared_task(bind=True, retry_kwargs={"max_retries": 5})  #: @ & bind=True & max_retries=, retry_kwargs=
        def fee(self):
            return self.max_retries  #: max_retries=, retry_kwargs=
        """,
    ),
    Case(
        "retry_backoff=, default_retry_delay=",
        "backoff=lambda attempt: 180",
        """
        from celery import shared_task

        @shared_task(retry_backoff=True, retry_jitter=False)  #: @ & retry_backoff=, default_retry_delay=
        def fee(): ...
        """,
    ),
    Case(
        "soft_time_limit=, time_limit=",
        "timeout=seconds",
        """
        from celery import shared_task

        @shared_task(soft_time_limit=60, time_limit=90)  #: @ & soft_time_limit=, time_limit=
        def fee(): ...
        """,
    ),
    Case(
        "rate_limit=",
        "max_concurrency",
        """
        from celery import shared_task

        @shared_task(rate_limit="10/m")  #: @ & rate_limit=
        def fee(): ...
        """,
    ),
    Case(
        "acks_late=, reject_on_worker_lost=, track_started=",
        "this is always so",
        """
        from celery import shared_task

        @shared_task(acks_late=True, track_started=True)  #: @ & acks_late=, reject_on_worker_lost=, track_started=
        def fee(): ...
        """,
    ),
    Case(
        "ignore_result=",
        "must return JSON or None",
        """
        from celery import shared_task

        @shared_task(ignore_result=True)  #: @ & ignore_result=
        def fee(): ...
        """,
    ),
    Case(
        "serializer=, compression= of a task",
        "are JSON",
        """
        from celery import shared_task

        @shared_task(serializer="pickle", compression="gzip")  #: @ & serializer=, compression= of a task
        def fee(order): ...
        """,
    ),
    Case(
        "expires=, priority= of a task",
        "context.task_result.enqueued_at",
        """
        from celery import shared_task

        @shared_task(expires=60, priority=3)  #: @ & expires=, priority= of a task
        def fee(): ...
        """,
    ),
    Case(
        "throws=",
        "Remove it",
        """
        from celery import shared_task

        @shared_task(throws=(KeyError,))  #: @ & throws=
        def fee(): ...
        """,
    ),
    Case(
        "pydantic=",
        'model_dump(mode="json")',
        """
        from celery import shared_task

        @shared_task(pydantic=True)  #: @ & pydantic=
        def fee(order): ...
        """,
    ),
    Case(
        "**options of a decorator",
        "Write the options out",
        """
        from celery import shared_task

        OPTIONS = {"queue": "slow"}

        @shared_task(**OPTIONS)  #: @ & **options of a decorator
        def fee(): ...
        """,
    ),
    Case(
        "celery_once, celery_singleton and the like",
        "@task(unique=True)",
        """
        from celery import shared_task
        from celery_once import AlreadyQueued, QueueOnce  #: celery_once, celery_singleton and the like
        from celery_singleton import Singleton, clear_locks
        from celery_unique import unique_task_factory  #: celery_once, celery_singleton and the like
        from shop.celery import app

        @shared_task(once={"graceful": True})  #: @ & celery_once, celery_singleton and the like
        def fee(): ...

        @shared_task(base=QueueOnce, once={"keys": ["order"]})  #: @ & celery_once, celery_singleton and the like
        def tax(order): ...

        @app.task(base=Singleton, lock_expiry=6)  #: @ & celery_once, celery_singleton and the like
        def toll(order): ...

        @shared_task(unique_key=lambda order: order)  #: @ & celery_once, celery_singleton and the like
        def duty(order): ...

        clear_locks(app)  #: Celery(), the app & celery_once, celery_singleton and the like

        # file: shop/celery.py
        from celery import Celery
        app = Celery()  #: Celery(), the app
        """,
    ),
    Case(
        "a lock around the body of a task: cache.add(), redis.lock()",
        "@task(unique=True)",
        """
        import redis
        from celery import shared_task
        from django.core.cache import cache, caches

        client = redis.Redis()

        @shared_task  #: @
        def fee(order):
            if not cache.add(f"fee-{order}", 1, 60):  #: a lock around the body of a task: cache.add(), redis.lock()
                return
            cache.set("seen", 1)
            {order}.add(7)

        @shared_task  #: @
        def tax(order):
            with client.lock(f"tax-{order}"):  #: a lock around the body of a task: cache.add(), redis.lock()
                order.lock()
            if caches["locks"].add("tax", 1):  #: a lock around the body of a task: cache.add(), redis.lock()
                client.set("tax", 1, nx=True)  #: a lock around the body of a task: cache.add(), redis.lock()
                redis.Redis().setnx("tax", 1)  #: a lock around the body of a task: cache.add(), redis.lock()

        def view(request):
            cache.add("view", 1)
            with client.lock("view"): ...
        """,
    ),
)
