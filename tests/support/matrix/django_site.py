"""Django under both doors: the settings, and the views."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.urls import path

from .site import GETS, UPLOAD, echo

settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="none")


def view(answer: Any) -> Any:
    return lambda request: HttpResponse(answer())


def upload(request: Any) -> HttpResponse:
    return HttpResponse(echo(request.body))


urlpatterns = [path(target[1:], view(answer)) for target, answer in GETS.items()]
urlpatterns.append(path(UPLOAD[1:], upload))
