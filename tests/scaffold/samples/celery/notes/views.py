"""Notes on orders of a sample site."""

from django.db import transaction
from django.http import JsonResponse

from . import tasks


def note(request):
    number = int(request.GET["order"])
    with transaction.atomic():
        tasks.write_twice.delay_on_commit(number)
    tasks.write.apply_async((number,), {"text": " now"})
    result = tasks.write.delay(number)
    return JsonResponse({"id": result.id}, status=202)
