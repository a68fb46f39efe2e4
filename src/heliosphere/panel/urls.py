"""All doors of the panel."""

from __future__ import annotations

from django.urls import include, path

from heliosphere.panel.hosting.views import home
from heliosphere.panel.platform import views as platform

urlpatterns = [
    path("", home, name="home"),
    path("alive", platform.alive, name="alive"),
    path("accounts/", include("allauth.urls")),
    path("", include("heliosphere.panel.accounts.urls")),
    path("", include("heliosphere.panel.signup.urls")),
    path("", include("heliosphere.panel.hosting.urls")),
    path("", include("heliosphere.panel.catalog.urls")),
    path("", include("heliosphere.panel.billing.urls")),
    path("", include("heliosphere.panel.servers.urls")),
    path("", include("heliosphere.panel.mail.urls")),
    path("", include("heliosphere.panel.api.urls")),
    path("", include("heliosphere.panel.look.urls")),
]

handler400 = "heliosphere.panel.look.errors.bad_request"
handler403 = "heliosphere.panel.look.errors.permission_denied"
handler404 = "heliosphere.panel.look.errors.page_not_found"
handler500 = "heliosphere.panel.look.errors.server_error"
