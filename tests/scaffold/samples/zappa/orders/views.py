"""Pages of a sample site."""

from django.http import JsonResponse

from . import tasks
from .tasks import bake


def order(request):
    bake(request.GET["pie"], minutes=40)
    return JsonResponse({"ordered": request.GET["pie"]}, status=202)


def taste(request):
    return JsonResponse({"taste": tasks.bake.sync("a slice", minutes=1)})
