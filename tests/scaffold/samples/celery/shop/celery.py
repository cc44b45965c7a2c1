"""The Celery app of a sample site."""

from celery import Celery

app = Celery("shop")
app.conf.beat_schedule = {"nightly": {"task": "orders.tasks.ship", "schedule": 86400}}
