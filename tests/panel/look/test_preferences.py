"""A person's look: kept, always valid, and never a way off the site."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client, override_settings

from tests.panel.conftest import PASSWORD, make_provider, make_staff

pytestmark = [pytest.mark.urls("tests.panel.look.urls"), pytest.mark.django_db]


def html_of(client: Client) -> str:
    return client.get("/look/").content.decode()


def test_the_choice_is_kept_for_the_session_and_the_device(client: Client) -> None:
    client.post("/look/", {"skin": "top-text", "theme": "dark", "language": "en"})
    assert 'data-skin="top-text"' in html_of(client)
    later = Client()
    later.cookies["look"] = client.cookies["look"].value
    assert 'data-bs-theme="dark"' in html_of(later)


def test_a_signed_in_person_finds_it_on_every_device() -> None:
    make_staff(make_provider(), "anna")
    here, there = Client(), Client()
    for client in (here, there):
        client.post("/accounts/login/", {"login": "anna", "password": PASSWORD})
    here.post("/look/", {"skin": "home", "theme": "dark"})
    assert 'data-skin="home"' in html_of(there)


def test_one_button_changes_one_thing(client: Client) -> None:
    client.post("/look/", {"skin": "home", "theme": "light"})
    client.post("/look/", {"theme": "dark"})
    html = html_of(client)
    assert 'data-skin="home"' in html
    assert 'data-bs-theme="dark"' in html


def test_an_unknown_skin_falls_back(client: Client) -> None:
    client.cookies["look"] = "neon.purple"
    html = html_of(client)
    assert 'data-skin="left"' in html
    assert 'data-bs-theme="auto"' in html


def test_an_unknown_choice_is_refused_and_nothing_kept(client: Client) -> None:
    answer = client.post("/look/", {"skin": "neon"})
    assert answer.status_code == 422
    assert 'data-skin="left"' in html_of(client)


def test_the_provider_sets_the_default(client: Client) -> None:
    with override_settings(LOOK_DEFAULTS={"skin": "home", "theme": "dark"}):
        html = html_of(client)
    assert 'data-skin="home"' in html
    assert 'data-bs-theme="dark"' in html


def test_the_language_is_kept(client: Client, settings: Any) -> None:
    settings.LANGUAGES = [("en", "English"), ("de", "German")]
    client.post("/look/", {"skin": "left", "language": "de"})
    assert '<html lang="de"' in html_of(client)


@pytest.mark.parametrize("way", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_the_way_back_stays_on_this_site(way: str, client: Client) -> None:
    assert client.post("/look/", {"theme": "dark", "next": way})["Location"] == "/look/"


def test_the_way_back_is_the_page_it_was_chosen_on(client: Client) -> None:
    answer = client.post("/look/", {"theme": "dark", "next": "/look/gallery/?a=1"})
    assert answer["Location"] == "/look/gallery/?a=1"
