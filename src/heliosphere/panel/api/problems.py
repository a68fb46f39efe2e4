"""Errors of the API as problem details (RFC 9457), from the same three kinds of trouble as the pages."""

from __future__ import annotations

from typing import Any

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError

from heliosphere.panel.platform.context import request_id
from heliosphere.panel.platform.errors import Trouble

CONTENT_TYPE = "application/problem+json"


class Problem(Schema):
    """`code` is stable and meant for programs; `detail` and `advice` are for people."""

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str
    advice: str = ""
    field: str = ""
    request_id: str = ""


#: The answers every call may give, for the schema.
COMMON: dict[Any, Any] = dict.fromkeys((400, 401, 403, 404, 409, 422, 429, 503), Problem)

_TITLES = {
    400: "Bad request",
    401: "Sign in",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    422: "Cannot be done as asked",
    429: "Too often",
    503: "Try again later",
}


def problem(status: int, code: str, detail: str, *, advice: str = "", field: str = "") -> HttpResponse:
    """One problem document."""
    body = Problem(
        title=_TITLES.get(status, "Problem"),
        status=status,
        code=code,
        detail=detail,
        advice=advice,
        field=field,
        request_id=request_id(),
    )
    return JsonResponse(body.model_dump(), status=status, content_type=CONTENT_TYPE)


def install(api: NinjaAPI) -> None:
    """Turn every kind of trouble into a problem document."""

    @api.exception_handler(Trouble)
    def _trouble(request: HttpRequest, error: Trouble) -> HttpResponse:
        return problem(
            error.status, error.code, str(error.message), advice=str(error.advice), field=error.field
        )

    @api.exception_handler(OperationalError)
    def _storage(request: HttpRequest, error: OperationalError) -> HttpResponse:
        return problem(
            503, "storage", "The panel cannot store anything at the moment.", advice="Try again later."
        )

    @api.exception_handler(AuthenticationError)
    def _nobody(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
        answer = problem(401, "token", "A valid API token is needed.", advice="Send it as a bearer token.")
        answer["WWW-Authenticate"] = "Bearer"
        return answer

    @api.exception_handler(ValidationError)
    def _input(request: HttpRequest, error: ValidationError) -> HttpResponse:
        first: dict[str, Any] = error.errors[0] if error.errors else {}
        place = ".".join(str(part) for part in first.get("loc", ())[2:]) or ".".join(
            str(part) for part in first.get("loc", ())
        )
        return problem(422, "input", str(first.get("msg", "The input is not valid.")), field=place)

    @api.exception_handler(HttpError)
    def _http(request: HttpRequest, error: HttpError) -> HttpResponse:
        return problem(error.status_code, "http", str(error))
