"""Pages of a sample site."""

from django.http import JsonResponse
from django.tasks import default_task_backend

from . import tasks


def order(request):
    number = int(request.GET["order"])
    result = tasks.ship.enqueue(number, express=True)
    tasks.remind.delay(number)
    return JsonResponse({"id": result.id}, status=202)


def state(request, task_id):
    result = default_task_backend.get_result(task_id)
    value = result.return_value if result.is_finished else None
    return JsonResponse({"state": result.status, "result": value})
