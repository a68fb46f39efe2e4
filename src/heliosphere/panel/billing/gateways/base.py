"""What every card gateway can do. Card numbers are typed at the gateway, never here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from django.utils.functional import Promise

from heliosphere.panel.platform.registry import Registry


@dataclass(frozen=True, slots=True)
class PaymentPage:
    """Where the payer goes to type the card."""

    session: str
    url: str


@dataclass(frozen=True, slots=True)
class SessionState:
    """What became of a payment page."""

    state: Literal["open", "authorised", "declined"]
    payment: str = ""
    brand: str = ""
    last4: str = ""
    message: str = ""


class Gateway(Protocol):
    """Every call may be repeated with the same key and changes once. Raises TryLater when it cannot tell."""

    @property
    def name(self) -> str: ...

    @property
    def label(self) -> str | Promise: ...

    def open_page(
        self, *, key: str, amount_minor: int, currency: str, text: str, return_url: str
    ) -> PaymentPage: ...

    def look(self, session: str) -> SessionState: ...

    def capture(self, payment: str, *, key: str, amount_minor: int) -> None: ...

    def void(self, payment: str, *, key: str) -> None: ...


GATEWAYS: Registry[Gateway] = Registry("gateway")
