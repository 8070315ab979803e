"""For servers of WSGI, and for `runserver`: `gunicorn harbour.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "harbour.settings")

application = get_wsgi_application()
