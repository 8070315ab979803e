"""A site with collected files at /static, uploads at /media, and both in MIDDLEWARE.

Set DJANGO_DEBUG while you write: then the files of `assets` are served as they are on the disk.
Without it, `collectstatic` comes first: the pages name the files by Django's manifest.
"""

import os
import secrets
from pathlib import Path

from dualstatic import StaticFiles

BASE_DIR = Path(__file__).parents[1]

DEBUG = "DJANGO_DEBUG" in os.environ
SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY") or secrets.token_urlsafe()
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "harbour.urls"
WSGI_APPLICATION = "harbour.wsgi.application"
USE_TZ = True

INSTALLED_APPS = ["django.contrib.staticfiles", "dualstatic.django", "harbour"]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "dualstatic.django.StaticMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]

TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "collected"
STATICFILES_DIRS = [BASE_DIR / "assets"]

MEDIA_URL = "media/"
MEDIA_ROOT = BASE_DIR / "media"

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "dualstatic.django.CompressedManifestStaticFilesStorage"},
}

DUALSTATIC = {"files": StaticFiles.uploads(MEDIA_ROOT, prefix="/media")}

# Without DEBUG, Django's own setting has errors mailed to ADMINS, and nothing in the log.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "loggers": {
        name: {"handlers": ["console"], "level": "INFO"} for name in ("django", "dualstatic")
    },
}
