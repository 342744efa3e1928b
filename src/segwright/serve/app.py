"""The application: every route, behind the layers that every request passes. Any ASGI server can run it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from fastapi_offline import FastAPIOffline
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp

from segwright.serve.access import Access, Keys
from segwright.serve.hub import hub_routes
from segwright.serve.kserve import kserve_routes
from segwright.serve.lifetime import end_with_parent, watch_signals
from segwright.serve.metrics import Metrics
from segwright.serve.models import Models
from segwright.serve.operations import operation_routes
from segwright.serve.options import ServeOptions
from segwright.serve.problems import add_handlers
from segwright.serve.receiving import Receiving
from segwright.serve.segment import segment_routes
from segwright.serve.urls import paths
from segwright.version import __version__

PAGE = Path(__file__).with_name("page")
PAGE_POLICY = "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:"


def create_app(options: ServeOptions, models: Models | None = None) -> ASGIApp:
    """The application for one process.

    Args:
        options: what to serve and how.
        models: its models, where they are open already.

    Raises:
        SegwrightError: a model cannot be opened.
    """
    opened = models or Models(options, Metrics())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await opened.start()
        watch_signals(opened)
        end_with_parent()
        yield
        await opened.close()

    app = FastAPIOffline(title="segwright", version=__version__, lifespan=lifespan, redoc_url=None)
    app.state.models = opened
    app.state.urls = lambda: paths(opened)
    add_handlers(app)
    for routes in (segment_routes, hub_routes, kserve_routes, operation_routes):
        app.include_router(routes(opened))
    _add_page(app)

    layers: ASGIApp = Receiving(app, options)
    if options.api_keys:
        layers = Keys(layers, options.api_keys)
    if options.cors_origins:
        layers = CORSMiddleware(
            layers,
            allow_origins=options.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
            expose_headers=["Server-Timing", "X-Model-Version", "X-Request-Id", "Retry-After"],
        )
    return Access(layers, opened.metrics)


def _add_page(app: FastAPI) -> None:
    """The page for people, and its files."""

    @app.get("/", include_in_schema=False)
    async def page() -> Response:
        return FileResponse(PAGE / "index.html", headers={"Content-Security-Policy": PAGE_POLICY})

    app.mount("/page", StaticFiles(directory=PAGE))
