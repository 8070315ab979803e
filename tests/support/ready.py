"""What a process of the tests has imported before it begins: the servers, and what they need.

To import it takes longer than most programs of the tests run. What few of them need isn't here:
each has all of it in its memory. Nothing here starts a thread, makes an event loop, or asks Django
for its settings.
"""

import gc
from contextlib import suppress
from importlib import import_module

gc.disable()

for name in """
    brotli zstandard pytest trio
    dualstatic.asgi dualstatic.wsgi dualstatic.compress.command
    tests.support.doors tests.support.faults tests.support.steps
    django.core.asgi django.core.wsgi django.core.management django.test django.contrib.admin.apps
    django.contrib.auth.apps django.contrib.contenttypes.apps django.contrib.messages.apps
    django.contrib.sessions.apps django.contrib.staticfiles.apps
    granian.cli gunicorn.app.wsgiapp gunicorn.workers.gthread h11 httptools
    hypercorn.asyncio.run hypercorn.config hypercorn.trio.run
    uvicorn.main uvicorn.protocols.http.httptools_impl uvicorn.protocols.http.h11_impl
    uvicorn.lifespan.on uvloop werkzeug.serving
    fastapi flask litestar pydantic.v1 quart starlette
""".split():
    with suppress(ImportError):
        import_module(name)

gc.freeze()  # or the collector of each process goes over all of it, and has its memory copied
gc.enable()
