"""Django under ASGI on uvicorn, in one file: the site below /static, the views behind it.

python examples/django_asgi.py [PORT]
"""

import secrets
import sys
from pathlib import Path

import uvicorn
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.http import require_GET, require_POST

import dualstatic.django

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    ROOT_URLCONF=__name__,
    SECRET_KEY=secrets.token_urlsafe(),
    STATIC_ROOT=Path(__file__).with_name("site"),
    STATIC_URL="static/",
)


@require_GET
def index(request):
    return HttpResponse('<h1>Django</h1><p><a href="/static/">The site</a></p>')


@require_POST
def echo(request):
    return JsonResponse({"length": len(request.body), "text": request.body.decode()})


urlpatterns = [path("", index), path("api/echo", echo)]

application = dualstatic.django.asgi(get_asgi_application(), html=True)

if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    print(f"http://127.0.0.1:{port}/", flush=True)
    uvicorn.run(application, host="127.0.0.1", port=port, log_level="warning")
