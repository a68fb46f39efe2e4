"""The id of the request being served, for logs, error pages and the audit trail."""

from __future__ import annotations

from contextvars import ContextVar

_request_id: ContextVar[str] = ContextVar("request_id", default="")


def request_id() -> str:
    """Empty outside of a request."""
    return _request_id.get()


def enter_request(identifier: str) -> None:
    """Called once per request, by the middleware."""
    _request_id.set(identifier)
