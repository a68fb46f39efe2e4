"""Pages that belong to no subject."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that is too old or came from elsewhere. Nothing was changed; the page says so."""
    return render(request, "403_csrf.html", {"reason": reason}, status=403)


def alive(request: HttpRequest) -> HttpResponse:
    """For supervisors: the process answers. Touches no database."""
    return JsonResponse({"alive": True})
