"""The look by itself, without the panel's subjects."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def home(request: HttpRequest) -> HttpResponse:
    return HttpResponse("home")


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("broken on purpose")


urlpatterns = [
    path("", home, name="home"),
    path("broken", broken),
    path("", include("heliosphere.panel.look.urls")),
    path("accounts/", include("allauth.urls")),
]
handler400 = "heliosphere.panel.look.errors.bad_request"
handler403 = "heliosphere.panel.look.errors.permission_denied"
handler404 = "heliosphere.panel.look.errors.page_not_found"
handler500 = "heliosphere.panel.look.errors.server_error"
