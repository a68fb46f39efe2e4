"""The OpenAPI document: what ninja makes, with the content types our answers really have."""

from __future__ import annotations

from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from heliosphere.panel.api.problems import CONTENT_TYPE

IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key with the same request: done once, answered the same.",
    "schema": {"type": "string", "maxLength": 255, "pattern": "^[\\x21-\\x7e]+$"},
}


class DescribedAPI(NinjaAPI):
    """NinjaAPI whose description tells problems, files and idempotency keys apart."""

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        document = super().get_openapi_schema(**options)
        for path, calls in document["paths"].items():
            for verb, call in calls.items():
                self._describe(path, verb, call)
        return document

    def _describe(self, path: str, verb: str, call: dict[str, Any]) -> None:
        for status, answer in call["responses"].items():
            if int(status) >= 400:
                answer["content"] = {CONTENT_TYPE: answer["content"]["application/json"]}
        if path.endswith("/pdf"):
            call["responses"][200]["content"] = {
                "application/pdf": {"schema": {"type": "string", "format": "binary"}}
            }
        if verb != "get":
            call.setdefault("parameters", []).append(IDEMPOTENCY_KEY)
