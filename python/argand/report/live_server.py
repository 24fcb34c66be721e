"""Serve the page of a growing series on the loopback address of this machine."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

from argand.errors import ArgandError
from argand.report.live import LiveSeries
from argand.report.page import resource

__all__ = ["served"]

# The only address that is listened at: other machines do not reach it.
_ADDRESS = "127.0.0.1"

# Names of this machine that a browser may ask for. A page of the internet whose name was made to
# lead here asks for another one, and gets nothing.
_HOSTS = ["127.0.0.1", "localhost"]

_LARGEST_PORT = 65535

# Seconds between two looks whether the series has changed.
_PERIOD = 0.2

# Looks after which a line without meaning keeps a connection open.
_LOOKS_UNTIL_SIGN = 50

# Seconds in which open connections may end.
_FAREWELL = 2

# What a browser may load for the page: only what this server has.
_POLICY = (
    "default-src 'none'; script-src 'self' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src data: blob:; connect-src 'self'; worker-src blob:; font-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@contextmanager
def served(series: LiveSeries, port: int) -> Iterator[str]:
    """Serve the page of a series while the block runs, and yield its address.

    Parameters
    ----------
    series : LiveSeries
        What the page shows.
    port : int
        Port of the loopback address; 0 takes a free one.

    Raises
    ------
    ArgandError
        The port is no port, or another program uses it.
    """
    import uvicorn

    ended = threading.Event()
    config = uvicorn.Config(
        _application(series, ended),
        log_level="error",
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=_FAREWELL,
    )
    server = uvicorn.Server(config)
    with _listening(port) as listener:
        arguments = {"sockets": [listener]}
        thread = threading.Thread(target=server.run, kwargs=arguments, daemon=True)
        thread.start()
        try:
            yield f"http://{_ADDRESS}:{listener.getsockname()[1]}/"
        finally:
            ended.set()
            server.should_exit = True
            thread.join()


def _listening(port: int) -> socket.socket:
    """Return a socket that listens at a port of the loopback address."""
    if not 0 <= port <= _LARGEST_PORT:
        raise ArgandError(f"serve is {port}, needs a port from 1 to {_LARGEST_PORT}, or 0")
    listener = socket.socket()
    try:
        listener.bind((_ADDRESS, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise ArgandError(f"port {port} cannot be used: {error.strerror}, needs another") from None
    return listener


def _application(series: LiveSeries, ended: threading.Event) -> Any:
    """Make the application of starlette that answers requests."""
    from plotly.offline import get_plotlyjs
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware
    from starlette.requests import Request
    from starlette.responses import Response, StreamingResponse
    from starlette.routing import Route

    def page(request: Request) -> Response:
        return Response(series.page(), media_type="text/html", headers=_HEADERS)

    def state(request: Request) -> Response:
        return Response(series.state(), media_type="application/json", headers=_HEADERS)

    def style(request: Request) -> Response:
        return Response(resource("page.css"), media_type="text/css", headers=_HEADERS)

    def plotly(request: Request) -> Response:
        return Response(get_plotlyjs(), media_type="text/javascript", headers=_HEADERS)

    def script(request: Request) -> Response:
        return Response(resource("live.js"), media_type="text/javascript", headers=_HEADERS)

    async def events(request: Request) -> Response:
        changes = _changes(series, ended)
        return StreamingResponse(changes, media_type="text/event-stream", headers=_HEADERS)

    routes = [
        Route("/", page),
        Route("/state.json", state),
        Route("/page.css", style),
        Route("/plotly.js", plotly),
        Route("/live.js", script),
        Route("/events", events),
    ]
    only_this_machine = Middleware(TrustedHostMiddleware, allowed_hosts=_HOSTS)
    return Starlette(routes=routes, middleware=[only_this_machine])


async def _changes(series: LiveSeries, ended: threading.Event) -> AsyncIterator[str]:
    """Yield an event of the server for each change of a series, and one at the end."""
    version, looks = -1, 0
    while not ended.is_set():
        if series.version != version:
            version, looks = series.version, 0
            yield f"data: {version}\n\n"
        elif looks == _LOOKS_UNTIL_SIGN:
            looks = 0
            yield ": still here\n\n"
        looks += 1
        await asyncio.sleep(_PERIOD)
    yield "event: end\ndata: end\n\n"
