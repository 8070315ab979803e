"""What a process of the tests has imported before it begins: the servers, and what they need.

To import it takes longer than most programs of the tests run. Nothing here starts a thread, makes
an event loop, or asks Django for its settings.
"""

import gc
from contextlib import suppress
from importlib import import_module

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
    twisted.internet.endpoints twisted.web.server autobahn.websocket.protocol
    bottle falcon falcon.asgi fastapi flask litestar pyramid.config pyramid.wsgi quart starlette
    pydantic.v1
""".split():
    with suppress(ImportError):
        import_module(name)

gc.collect()
gc.freeze()  # or the collector of each process goes over all of it, and has its memory copied
