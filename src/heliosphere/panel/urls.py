"""All doors of the panel."""

from __future__ import annotations

from django.urls import include, path

from heliosphere.panel.platform import views as platform

urlpatterns = [
    path("alive", platform.alive, name="alive"),
    path("accounts/", include("allauth.urls")),
]
