"""The Celery app of a sample site."""

from celery import Celery

app = Celery("shop", broker="memory://", backend="cache+memory://")
app.conf.update(task_always_eager=True)
app.conf.beat_schedule = {
    "nightly": {"task": "orders.tasks.ship", "schedule": 86400, "args": [1]},
}
