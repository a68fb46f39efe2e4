"""The API, version 1: /api/v1/openapi.json describes it."""

from __future__ import annotations

from django.urls import path
from ninja.throttling import AnonRateThrottle, AuthRateThrottle

from heliosphere import __version__
from heliosphere.panel.api import commerce, mail_servers, operation, problems
from heliosphere.panel.api.auth import TokenAuth
from heliosphere.panel.api.description import DescribedAPI

api = DescribedAPI(
    title="Heliosphere",
    version="1",
    description=f"Everything the panel can do. Panel version {__version__}. Writes take an Idempotency-Key.",
    auth=TokenAuth(),
    throttle=[AnonRateThrottle("60/m"), AuthRateThrottle("1200/m")],
    docs_url=None,
    openapi_url="/openapi.json",
    urls_namespace="api-1",
)
problems.install(api)
api.add_router("", commerce.router)
api.add_router("", operation.router)
api.add_router("", mail_servers.router)

urlpatterns = [path("api/v1/", api.urls)]
