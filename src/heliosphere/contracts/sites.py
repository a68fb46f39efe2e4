"""Web sites as the panel wants them and the web server has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from heliosphere.contracts.codec import contract

SiteState = Literal["live", "suspended"]


@contract("web-site")
@dataclass(frozen=True, slots=True)
class SiteSpec:
    """One site: its names, and whether visitors see the content or the suspended page.

    `owner` names the account folder the content lies in. A start page is written once, when the
    document root is made, and never over something a customer put there.
    """

    name: str
    owner: str
    aliases: tuple[str, ...] = ()
    state: SiteState = "live"
