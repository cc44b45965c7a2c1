"""Pages of a sample site."""

from celery.result import AsyncResult
from django.http import JsonResponse

from . import tasks


def order(request):
    number = int(request.GET["order"])
    result = tasks.ship.apply_async((number,), {"express": True}, priority=5)
    tasks.remind.delay(number)
    return JsonResponse({"id": result.id}, status=202)


def state(request, task_id):
    result = AsyncResult(task_id)
    return JsonResponse({"state": result.state, "result": result.result})
