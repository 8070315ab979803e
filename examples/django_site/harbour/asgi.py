"""For servers of ASGI: `uvicorn harbour.asgi:application`.

After a `collectstatic` beside the running server, `kill -USR1` has the new files served. The pages
have the new names after a restart: Django reads its manifest once.
"""

import os
import signal

from django.core.asgi import get_asgi_application

import dualstatic.django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "harbour.settings")

application = get_asgi_application()

signal.signal(signal.SIGUSR1, lambda *_: dualstatic.django.refresh())
