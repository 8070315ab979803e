"""A page with what has been uploaded, and the form to upload more."""

from django.core.files.storage import default_storage
from django.http import JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods


def uploads():
    """The addresses of all uploads."""
    names = default_storage.listdir("")[1] if default_storage.exists("") else []
    return [default_storage.url(name) for name in sorted(names)]


@require_http_methods(["GET", "HEAD", "POST"])
def index(request):
    if request.method != "POST":
        return render(request, "harbour/index.html", {"uploads": uploads()})
    for file in request.FILES.getlist("file"):
        default_storage.save(file.name, file)
    return redirect("index")


@require_GET
def api(request):
    return JsonResponse({"uploads": uploads()})
