"""The signup's moves. Every one may be repeated: a double click opens one account and charges one card."""

from heliosphere.panel.signup.services.agreed import agreed_document
from heliosphere.panel.signup.services.drafts import (
    ContactRefused,
    blank,
    choose_domain,
    choose_login,
    choose_payment,
    choose_period,
    draft,
    give_contact,
    preview,
    start,
)
from heliosphere.panel.signup.services.forgetting import forget_drafts
from heliosphere.panel.signup.services.opening import approve, open_requested, reject
from heliosphere.panel.signup.services.ordering import card_came_back, finish_unattended, submit

__all__ = [
    "ContactRefused",
    "agreed_document",
    "approve",
    "blank",
    "card_came_back",
    "choose_domain",
    "choose_login",
    "choose_payment",
    "choose_period",
    "draft",
    "finish_unattended",
    "forget_drafts",
    "give_contact",
    "open_requested",
    "preview",
    "reject",
    "start",
    "submit",
]
