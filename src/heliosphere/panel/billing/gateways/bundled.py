"""The bundled test gateway (`heliosphere simulate gateway`): real HTTP, no real money."""

from __future__ import annotations

from typing import Any

import httpx
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from heliosphere.panel.billing.gateways.base import GATEWAYS, PaymentPage, SessionState
from heliosphere.panel.platform.errors import Refused, TryLater


class BundledGateway:
    """Speaks the simulator's API (docs/simulators.md)."""

    name = "test"
    label = gettext_lazy("Test gateway (no real money)")

    def open_page(
        self, *, key: str, amount_minor: int, currency: str, text: str, return_url: str
    ) -> PaymentPage:
        body = {
            "amount_minor": amount_minor,
            "currency": currency,
            "description": text,
            "return_url": return_url,
        }
        answer = self._call("POST", "/v1/sessions", key=key, body=body)
        return PaymentPage(answer["id"], answer["url"])

    def look(self, session: str) -> SessionState:
        answer = self._call("GET", f"/v1/sessions/{session}")
        return SessionState(
            state=answer["status"],
            payment=answer.get("payment_id") or "",
            brand=answer.get("brand") or "",
            last4=answer.get("last4") or "",
            message=answer.get("message") or "",
        )

    def capture(self, payment: str, *, key: str, amount_minor: int) -> None:
        self._call("POST", f"/v1/payments/{payment}/capture", key=key, body={"amount_minor": amount_minor})

    def void(self, payment: str, *, key: str) -> None:
        self._call("POST", f"/v1/payments/{payment}/void", key=key, body={})

    def _call(self, verb: str, path: str, *, key: str = "", body: Any = None) -> dict[str, Any]:
        house = settings.HELIOSPHERE
        headers = {"Authorization": f"Bearer {house.gateway_key}"} | ({"Idempotency-Key": key} if key else {})
        try:
            answer = httpx.request(verb, house.gateway_url + path, headers=headers, json=body, timeout=10)
        except httpx.HTTPError as error:
            raise TryLater(_("The payment service does not answer."), code="gateway-down") from error
        if answer.status_code >= 500 or answer.status_code == 429:
            raise TryLater(_("The payment service has trouble at the moment."), code="gateway-trouble")
        try:
            document: dict[str, Any] = answer.json()
        except ValueError as error:
            raise TryLater(
                _("The payment service gave no readable answer."), code="gateway-garbled"
            ) from error
        if answer.status_code >= 400:
            raise Refused(str(document.get("message", _("The payment was refused."))), code="gateway-refused")
        return document


GATEWAYS.add(BundledGateway())
