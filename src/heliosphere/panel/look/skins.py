"""The skins: three ways to draw the menu, each with icons or as text only. Light and dark are separate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise as StrOrPromise

Scheme = Literal["left", "home", "top"]
THEMES: dict[str, StrOrPromise] = {
    "auto": _("As my device"),
    "light": _("Light"),
    "dark": _("Dark"),
}


@dataclass(frozen=True, slots=True)
class Skin:
    """`scheme` picks the layout; `text_only` leaves every icon out and shows words and links."""

    name: str
    label: StrOrPromise
    help: StrOrPromise
    scheme: Scheme
    text_only: bool = False

    @property
    def layout(self) -> str:
        """The layout template that pages are poured into."""
        return f"look/layouts/{self.scheme}.html"

    @property
    def draws_home_menu(self) -> bool:
        """Whether the home page lists the whole menu, because the frame shows little or none of it."""
        return self.scheme != "left"


SKINS: dict[str, Skin] = {
    skin.name: skin
    for skin in (
        Skin("left", _("Left menu"), _("The whole menu stays at the side."), "left"),
        Skin("left-text", _("Left menu, text"), _("The menu at the side, without icons."), "left", True),
        Skin("home", _("No menu"), _("Icons on the home page; pages use the full width."), "home"),
        Skin("home-text", _("No menu, text"), _("Links on the home page, without icons."), "home", True),
        Skin("top", _("Horizontal"), _("A bar along the top that opens downwards."), "top"),
        Skin("top-text", _("Horizontal, text"), _("The bar along the top, without icons."), "top", True),
    )
}
DEFAULT_SKIN = "left"
DEFAULT_THEME = "auto"


def skin_called(name: str) -> Skin:
    """The skin, or the default one when the name is unknown (an old cookie, a removed skin)."""
    return SKINS.get(name, SKINS[DEFAULT_SKIN])
