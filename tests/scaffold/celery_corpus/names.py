"""Cases of the ways in which projects come to a name of Celery's: aliases, re-exports, parameters and more."""

from .case import Case

CASES = (
    Case(
        "self.retry()",
        "Raise the exception itself",
        """
        # file: orders/tasks.py
        from shop import later as queue

        @queue.app.task(bind=True)  #: @ & bind=True
        def fee(task, order):
            def again(exc):
                raise task.retry(exc=exc)  #: self.retry()
            again(None)

        # file: shop/later.py
        from shop.celery import *
        # file: shop/celery.py
        from shop.making import create
        app = create()
        # file: shop/making.py
        from celery import Celery
        def create():
            made = Celery("shop")  #: Celery(), the app
            return made  #: Celery(), the app
        """,
    ),
    Case(
        "self.retry()",
        "Raise the exception itself",
        """
        # file: shop/celery.py
        app = import_string(PATH)("shop")
        app.config_from_object("django.conf:settings")  #: app.config_from_object(), app.conf
        # file: orders/tasks.py
        from shop.celery import app

        @app.task(bind=True)  #: @ & bind=True
        def fee(self):
            raise self.retry()  #: self.retry()
        """,
    ),
    Case(
        ".delay() of something that isn't known",
        "see the answers",
        """
        # file: orders/tasks.py
        from orders.makers import maker

        @maker.task(bind=True)  #: .delay() of something that isn't known & bind=True
        def fee(self):
            raise self.retry()  #: self.retry()
        # file: orders/makers.py
        maker = make()
        """,
    ),
    Case(
        "app.control.revoke()",
        "context.cancelled",
        """
        # file: shop/celery.py
        from celery import Celery, Task
        app = Celery[Task]("shop")  #: Celery(), the app
        # file: shop/__init__.py
        from .celery import app as jobs  #: Celery(), the app
        # file: orders/views.py
        import shop
        from celery import app
        from celery.result import AsyncResult

        def stop(jobs: "Jobs", result: AsyncResult):  #: AsyncResult(id)
            shop.jobs.control.revoke(1)  #: app.control.revoke()
            result.revoke()  #: result.revoke()
            app.default_app.control.revoke(2)  #: app.control.revoke()
        """,
    ),
    Case(
        "self.update_state()",
        "context.progress",
        """
        # file: orders/tasks.py
        from celery import Task
        from celery import current_task as now

        class Base(Task):  #: class MyTask(Task), base=
            def note(self):
                self.update_state(state="X")  #: self.update_state()
                self.note()

        def deep():
            now.update_state(state="Y")  #: self.update_state()
        """,
    ),
    Case(
        "f.apply_async(args, kwargs)",
        "f.enqueue",
        """
        # file: orders/tasks.py
        from celery import shared_task

        @shared_task  #: @
        def fee(order: int): ...

        # file: orders/jobs.py
        from unittest import mock
        from .tasks import fee as charge
        import orders.tasks as work

        class Jobs:
            task = charge  #: current_task, self as a value

            def start(self):
                self.task.apply_async((1,))  #: .delay() of something that isn't known
                (charge if self else work.fee).apply_async((1,))  #: f.apply_async(args, kwargs) & current_task, self as a value

        mock.patch.object(charge, "apply_async")  #: current_task, self as a value
        """,
    ),
    Case(
        "broker_url, broker_transport_options",
        "There is no broker",
        """
        # file: shop/settings.py
        CELERY_BROKER_TRANSPORT_OPTIONS = {}  #: broker_url, broker_transport_options
        CELERY_BROKER_TRANSPORT_OPTIONS.update(a=1)  #: broker_url, broker_transport_options
        if os.environ.get("CELERY_BROKER_URL"):  #: broker_url, broker_transport_options
            pass
        # file: shop/celery.py
        from celery import Celery
        app = Celery()  #: Celery(), the app
        app.config_from_object("django.conf:settings", namespace="JOBS")  #: app.config_from_object(), app.conf
        # file: shop/production.py
        JOBS_BROKER_URL = "redis://"  #: broker_url, broker_transport_options
        """,
    ),
)
