"""Signing in and what guards it: every page in our look, and the second factor by its own picture."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client

from tests.panel.conftest import PASSWORD, make_provider, make_staff
from tests.panel.look.test_pages import complaints

pytestmark = [pytest.mark.urls("tests.panel.look.urls"), pytest.mark.django_db]


@pytest.fixture(autouse=True)
def fresh_limits() -> None:
    """Tries are counted in the cache, per minute; one test's sign-ins are not another's."""
    cache.clear()


@pytest.fixture
def signed_in(client: Client) -> Client:
    make_staff(make_provider(), "anna")
    answer = client.post("/accounts/login/", {"login": "anna", "password": PASSWORD})
    assert answer.status_code == 302
    client.post("/accounts/reauthenticate/?next=/", {"password": PASSWORD})
    return client


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/accounts/password/change/", "Change password"),
        ("/accounts/2fa/", "Two-Factor"),
        ("/accounts/2fa/totp/activate/", "Set up the authenticator app"),
        ("/accounts/2fa/webauthn/", "None yet."),
        ("/accounts/2fa/webauthn/add/", "Security Key"),
        ("/accounts/2fa/recovery-codes/generate/", "Recovery Codes"),
        ("/accounts/sessions/", "Where you are signed in"),
        ("/accounts/logout/", "Sign out?"),
        ("/accounts/reauthenticate/", "Confirm Access"),
    ],
)
@pytest.mark.parametrize("skin", ["left", "home-text"])
def test_the_pages_of_the_sign_in_are_ours(skin: str, path: str, words: str, signed_in: Client) -> None:
    signed_in.cookies["look"] = f"{skin}.light"
    answer = signed_in.get(path)
    if answer.status_code == 302:
        pytest.fail(f"{path} leads to {answer['Location']}")
    html = answer.content.decode()
    assert words in html
    assert complaints(html) == []
    assert "heliosphere.css" in html


def test_a_wrong_password_is_said_at_the_form_and_the_login_stays(client: Client) -> None:
    html = client.post("/accounts/login/", {"login": "anna", "password": "wrong"}).content.decode()
    assert 'role="alert"' in html
    assert 'value="anna"' in html
    assert complaints(html) == []


def test_the_secret_is_drawn_in_the_page_and_not_as_a_data_address(signed_in: Client) -> None:
    html = signed_in.get("/accounts/2fa/totp/activate/").content.decode()
    assert "<path" in html
    assert "data:image" not in html


def test_after_a_wrong_code_the_secret_stays(signed_in: Client) -> None:
    signed_in.get("/accounts/2fa/totp/activate/")
    html = signed_in.post("/accounts/2fa/totp/activate/", {"code": "000000"}).content.decode()
    assert complaints(html) == []
    assert 'aria-invalid="true"' in html


@pytest.mark.parametrize("path", ["login/", "password/reset/", "password/reset/done/"])
def test_a_visitor_finds_the_way_in(path: str, client: Client) -> None:
    html = client.get(f"/accounts/{path}").content.decode()
    assert complaints(html) == []
    assert "h-entrance" in html
