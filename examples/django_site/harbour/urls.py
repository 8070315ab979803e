"""Static files and uploads need no route: the middleware answers first."""

from django.urls import path

from . import views

urlpatterns = [path("", views.index, name="index"), path("api/uploads", views.api)]
