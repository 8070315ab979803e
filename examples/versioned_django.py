"""Addresses that change with the content, in Django's templates, without a manifest. On uvicorn.

    python examples/versioned_django.py [PORT]

The storage gives `{% static %}` the version as well. A changed file has another address.
"""

import secrets
import sys
from functools import cached_property
from pathlib import Path

import uvicorn
from django.conf import settings
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.core.asgi import get_asgi_application
from django.http import HttpResponse
from django.template import Context, Template
from django.urls import path

import dualstatic.django

PAGE = '{% load static %}<link rel="stylesheet" href="{% static "css/style.css" %}">'


class VersionedStorage(StaticFilesStorage):
    """Django's own addresses, with the version behind them."""

    @cached_property
    def files(self):
        return dualstatic.django.static_files(finders=False)[0]

    def url(self, name):
        _, mark, version = self.files.url(name).partition("?")
        return super().url(name) + mark + version


settings.configure(
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    INSTALLED_APPS=["django.contrib.staticfiles"],
    ROOT_URLCONF=__name__,
    SECRET_KEY=secrets.token_urlsafe(),
    STATIC_ROOT=Path(__file__).with_name("site"),
    STATIC_URL="static/",
    STORAGES={"staticfiles": {"BACKEND": f"{__name__}.VersionedStorage"}},
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
)


def index(request):
    return HttpResponse(Template(PAGE).render(Context()))


urlpatterns = [path("", index)]

application = dualstatic.django.asgi(get_asgi_application())

if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    print(f"http://127.0.0.1:{port}/", flush=True)
    uvicorn.run(application, host="127.0.0.1", port=port, log_level="warning")
