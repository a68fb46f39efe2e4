"""Signing in: refused after many tries, and in the audit trail either way."""

from __future__ import annotations

import pytest
from django.test import Client

from heliosphere.panel.platform.models import Event
from tests.panel.conftest import PASSWORD, House

pytestmark = pytest.mark.django_db


def sign_in(login: str, password: str) -> int:
    return Client().post("/accounts/login/", {"login": login, "password": password}).status_code


def test_sign_ins_and_wrong_passwords_are_in_the_audit_trail(house: House):
    assert sign_in("admin", "not this one") == 200
    assert sign_in("admin", PASSWORD) == 302
    assert sign_in("nobody", "whatever it is") == 200
    trail = Event.everything.filter(name__startswith="user.sign").order_by("id")
    assert [(row.name, row.subject_label, row.address) for row in trail] == [
        ("user.sign-in-failed", "admin", "127.0.0.1"),
        ("user.signed-in", "admin", "127.0.0.1"),
    ]
    assert PASSWORD not in str(list(Event.everything.values()))


def test_guessing_is_stopped_even_with_the_right_password_at_the_end(house: House):
    for guess in range(6):
        sign_in("admin", f"guess number {guess}")
    assert sign_in("admin", PASSWORD) != 302
