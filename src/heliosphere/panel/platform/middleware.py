"""The edge of the panel: gives a request its id and clock, and turns kinds of trouble into pages."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable

from django.contrib import messages
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from heliosphere.panel.platform.clock import system_clock
from heliosphere.panel.platform.context import enter_request
from heliosphere.panel.platform.errors import Trouble, TryLater

log = logging.getLogger(__name__)
Answer = Callable[[HttpRequest], HttpResponse]


class RequestContext:
    """Sets `request.id` and `request.clock`, and says the id in the answer, so that a report can name it."""

    def __init__(self, get_response: Answer) -> None:
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.id = uuid.uuid4().hex  # type: ignore[attr-defined]
        request.clock = system_clock  # type: ignore[attr-defined]
        enter_request(request.id)  # type: ignore[attr-defined]
        response = self._next(request)
        response["X-Request-Id"] = request.id  # type: ignore[attr-defined]
        return response


class TroubleToAnswers:
    """Trouble that no form caught: back to the page it came from with the reason, or a page of its own."""

    def __init__(self, get_response: Answer) -> None:
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._next(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, OperationalError):
            log.error("%s: the database does not take part: %s", request.path, error)
            text = _("The panel cannot store anything at the moment. Nothing was changed.")
            error = TryLater(text, code="storage", advice=_("Try again in a few minutes."))
        if not isinstance(error, Trouble):
            return None
        log.info("%s refused: %s", request.path, error.code)
        came_from = request.META.get("HTTP_REFERER", "")
        if request.method == "POST" and error.status == 422 and came_from.startswith(_own_origin(request)):
            messages.error(request, f"{error.message} {error.advice}".strip())
            return redirect(came_from)
        page = {429: "503.html", 404: "404.html", 403: "403.html", 503: "503.html"}.get(
            error.status, "400.html"
        )
        return render(request, page, {"trouble": error}, status=error.status)


def _own_origin(request: HttpRequest) -> str:
    return f"{request.scheme}://{request.get_host()}/"
