"""Every page kind in every skin: complete, and clean for a content policy that allows nothing inline."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client, override_settings

from heliosphere.panel.look.gallery import KINDS
from heliosphere.panel.look.skins import SKINS

pytestmark = [pytest.mark.urls("tests.panel.look.urls"), pytest.mark.django_db]
VOID = {"meta", "link", "input", "img", "br", "hr", "use", "rect"}


class Checker(HTMLParser):
    """Collects what a strict content policy would block, doubled ids, and tags left open."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self.ids: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if "style" in given or tag == "style":
            self.wrong.append(f"style on {tag}")
        if tag == "script" and "src" not in given and given.get("type") != "application/json":
            self.wrong.append("inline script")
        self.wrong += [f"{name} on {tag}" for name in given if name.startswith("on")]
        if (given.get("href") or "").startswith("javascript:"):
            self.wrong.append("javascript link")
        if given.get("id"):
            self.ids.append(str(given["id"]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> closes something else")


def complaints(html: str) -> list[str]:
    checker = Checker()
    checker.feed(html)
    doubled = {name for name in checker.ids if checker.ids.count(name) > 1}
    return (
        checker.wrong
        + [f"id {name} twice" for name in doubled]
        + [f"{tag} left open" for tag in checker.open]
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("skin", SKINS)
def test_every_page_kind_is_clean_in_every_skin(skin: str, theme: str, client: Client) -> None:
    for kind in ["", "list/", *(f"{kind}/" for kind in KINDS)]:
        answer = client.get(f"/look/gallery/{kind}?skin={skin}&theme={theme}")
        html = answer.content.decode()
        assert answer.status_code == 200
        assert complaints(html) == [], kind
        assert f'data-bs-theme="{theme}"' in html
        assert f'data-skin="{skin}"' in html
        if skin.endswith("-text"):
            assert "<svg" not in html.replace('<svg class="h-bars"', ""), kind


@pytest.mark.parametrize("path", ["/look/", "/accounts/login/", "/accounts/password/reset/", "/no/such/page"])
@pytest.mark.parametrize("skin", ["left", "top-text"])
def test_pages_of_the_frame_are_clean(path: str, skin: str, client: Client) -> None:
    client.cookies["look"] = f"{skin}.dark"
    html = client.get(path).content.decode()
    assert complaints(html) == []
    assert 'data-bs-theme="dark"' in html


@pytest.mark.parametrize("door", ["admin", "reseller", "user", "public"])
def test_a_page_works_behind_every_door(door: str, client: Client) -> None:
    html = client.get(f"/look/gallery/object/?door={door}").content.decode()
    assert complaints(html) == []
    assert "bakery-lindner" in html


def test_a_planned_screen_is_words_and_not_a_dead_link(client: Client) -> None:
    html = client.get("/look/gallery/object/?door=user").content.decode()
    assert "Databases" in html
    assert 'href=""' not in html


def test_the_gallery_is_closed_in_production(client: Client) -> None:
    with override_settings(DEBUG=False, LOOK_GALLERY=False):
        for path in ("/look/gallery/", "/look/gallery/list/", "/look/gallery/object/"):
            assert client.get(path).status_code == 404


def test_a_list_is_searched_sorted_and_paged_by_its_address(client: Client) -> None:
    wanted = Permission.objects.filter(codename__icontains="session").count()
    html = client.get("/look/gallery/list/?q=session&sort=-codename").content.decode()
    assert f'<span id="list-count" class="h-count">{wanted}</span>' in html
    assert html.index("view_session") < html.index("add_session")
    assert 'aria-sort="descending"' in html
    assert "add_group" not in html
    second = client.get("/look/gallery/list/?page=2").content.decode()
    assert '<span aria-current="page">2</span>' in second


def test_htmx_gets_only_the_results(client: Client) -> None:
    answer = client.get("/look/gallery/list/?q=session", headers={"HX-Request": "true", "HX-Target": "list"})
    html = answer.content.decode()
    assert "<html" not in html
    assert 'hx-swap-oob="true"' in html
    assert "add_session" in html
    assert "HX-Target" in answer["Vary"]


def test_a_search_without_result_says_how_to_go_on(client: Client) -> None:
    html = client.get("/look/gallery/list/?q=nothing-is-called-so").content.decode()
    assert "Nothing matches" in html
    assert "Clear the filters" in html


def test_the_export_has_every_row_and_no_formulas(client: Client) -> None:
    first = Permission.objects.order_by("pk")[0]
    first.name = "=1+1"
    first.save()
    answer: Any = client.get("/look/gallery/list/?export=csv")
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert answer["Content-Disposition"] == 'attachment; filename="permissions.csv"'
    assert len(lines) == Permission.objects.count() + 1
    assert lines[1].startswith("'=1+1,")


def test_errors_name_the_request_and_what_to_do(client: Client) -> None:
    client.raise_request_exception = False
    for path, words in (
        ("/no/such/page", "There is no such page"),
        ("/broken", "Something went wrong on our side"),
    ):
        answer = client.get(path)
        html = answer.content.decode()
        assert complaints(html) == []
        assert words in html
        assert answer["X-Request-Id"] in html


def test_a_form_that_is_too_old_is_told_so() -> None:
    answer = Client(enforce_csrf_checks=True).post("/look/", {"theme": "dark"})
    assert answer.status_code == 403
    assert "This form was open for too long" in answer.content.decode()
