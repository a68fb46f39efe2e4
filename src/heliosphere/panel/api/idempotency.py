"""Writes that carry an Idempotency-Key happen once: answer and change are kept in one transaction."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse

from heliosphere.panel.api.problems import problem
from heliosphere.panel.platform.clock import system_clock
from heliosphere.panel.platform.models import IdempotencyRecord
from heliosphere.panel.platform.secrets import fingerprint

PREFIX = "/api/"
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
KEY = re.compile(r"[\x21-\x7e]{1,255}")


class IdempotentWrites:
    """Middleware. A repeated key with the same request gets the first answer; with another request, 422."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        key = request.headers.get("Idempotency-Key")
        if key is None or request.method not in WRITES or not request.path.startswith(PREFIX):
            return self._next(request)
        if not KEY.fullmatch(key):
            return problem(
                422, "idempotency-key", "An idempotency key has 1 to 255 printable characters and no space."
            )
        return self._once(request, key)

    def _once(self, request: HttpRequest, key: str) -> HttpResponse:
        owner = fingerprint(request.headers.get("Authorization", ""))
        digest = hashlib.sha256(
            f"{request.method} {request.get_full_path()}\n".encode() + request.body
        ).hexdigest()
        with transaction.atomic():
            record = self._take(owner, key, digest)
            if record.request_hash != digest:
                return problem(
                    422, "idempotency-key", "This key was used for another request.", field="Idempotency-Key"
                )
            if record.status is not None:
                return self._again(record)
            answer = self._next(request)
            if answer.status_code >= 400:
                transaction.set_rollback(True)
                return answer
            record.status, record.answer = answer.status_code, answer.content.decode()
            record.save(update_fields=["status", "answer"])
            return answer

    def _take(self, owner: str, key: str, digest: str) -> IdempotencyRecord:
        try:
            with transaction.atomic():
                return IdempotencyRecord.objects.create(
                    owner=owner, key=key, request_hash=digest, created_at=system_clock()
                )
        except IntegrityError:
            return IdempotencyRecord.objects.select_for_update().get(owner=owner, key=key)

    def _again(self, record: IdempotencyRecord) -> HttpResponse:
        answer = HttpResponse(
            record.answer, status=record.status, content_type="application/json; charset=utf-8"
        )
        answer["Idempotent-Replayed"] = "true"
        return answer
