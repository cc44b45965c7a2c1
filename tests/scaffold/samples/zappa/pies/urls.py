"""URLs of a sample site."""

from django.urls import path
from orders import views

urlpatterns = [path("order/", views.order), path("taste/", views.taste)]
