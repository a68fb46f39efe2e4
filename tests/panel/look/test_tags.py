"""The components one by one: what a reader sees of money, time, states and meters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.paginator import Paginator
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import timezone, translation

from heliosphere.panel.look import states
from heliosphere.panel.look.context import Look
from heliosphere.panel.look.icons import ICONS
from heliosphere.panel.look.parts import Bar, Fact, TimelineEvent, steps_of
from heliosphere.panel.look.states import State

NOW = datetime(2026, 3, 14, 9, 26, tzinfo=UTC)


def render(source: str, skin: str = "left", **context: Any) -> str:
    request = RequestFactory().get("/", headers={"cookie": f"look={skin}.light"})
    request.clock = lambda: NOW  # type: ignore[attr-defined]
    template = Template("{% load look %}" + source)
    return template.render(Context({"look": Look(request), "request": request, **context}))


def text(html: str) -> str:
    from html.parser import HTMLParser

    class Reader(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.words: list[str] = []

        def handle_data(self, data: str) -> None:
            self.words.append(data)

    reader = Reader()
    reader.feed(html)
    return " ".join("".join(reader.words).replace("\N{NO-BREAK SPACE}", " ").split())


@pytest.mark.parametrize(
    ("minor", "currency", "shown"),
    [
        (1250, "EUR", "EUR 12.50"),
        (5, "EUR", "EUR 0.05"),
        (-99, "USD", "USD −0.99"),
        (1250, "JPY", "JPY 1,250"),
        (123456789, "EUR", "EUR 1,234,567.89"),
        (1500, "KWD", "KWD 1.500"),
        (None, "EUR", "–"),
    ],
)
def test_money_names_its_currency_and_keeps_its_digits(minor: int | None, currency: str, shown: str) -> None:
    assert text(render("{% money minor currency %}", minor=minor, currency=currency)) == shown


def test_money_follows_the_language() -> None:
    with translation.override("de"):
        assert text(render("{% money 123456 'EUR' %}")) == "EUR 1.234,56"


@pytest.mark.parametrize(
    ("minor", "shown"), [(1250, "EUR 12.50 charge"), (-1250, "EUR 12.50 credit"), (0, "EUR 0.00 nothing due")]
)
def test_a_balance_says_which_way_it_goes(minor: int, shown: str) -> None:
    assert text(render("{% charge_or_credit minor 'EUR' %}", minor=minor)) == shown


@pytest.mark.parametrize(
    ("away", "far"),
    [
        (timedelta(hours=-3), "3 hours ago"),
        (timedelta(days=2), "in 2 days"),
        (timedelta(seconds=10), "just now"),
    ],
)
def test_a_moment_is_shown_in_the_viewers_zone_with_its_distance(away: timedelta, far: str) -> None:
    with timezone.override("Europe/Berlin"):
        html = render("{% when at %}", at=NOW + away)
    assert far in text(html)
    assert "CET" in html
    assert f'datetime="{(NOW + away).isoformat(timespec="seconds")}"' in html


def test_a_moment_without_a_clock_is_absolute() -> None:
    html = Template("{% load look %}{% when at %}").render(Context({"at": NOW}))
    assert text(html) == "14 Mar 2026, 09:26 UTC"


def test_paper_leaves_the_distance_out() -> None:
    assert text(render("{% when at only='absolute' %}", at=NOW)) == "14 Mar 2026, 09:26 UTC"


def test_no_moment_is_a_dash() -> None:
    assert text(render("{% when None %}")) == "–"


def test_a_state_has_a_word_a_colour_and_an_icon() -> None:
    html = render("{% state_badge 'suspended' %}")
    assert text(html) == "Suspended"
    assert "h-tone-warn" in html
    assert "#state-suspended" in html


def test_text_only_skins_draw_no_icon() -> None:
    assert "<svg" not in render("{% state_badge 'active' %}{% icon 'home' %}", skin="left-text")
    assert render("{% icon 'home' 'Home' %}", skin="left-text") == "Home"


def test_an_unknown_state_is_shown_by_its_name() -> None:
    assert text(render("{% state_badge 'half_way' %}")) == "Half way"


def test_an_unknown_icon_is_a_mistake() -> None:
    with pytest.raises(KeyError, match="no icon is called 'sunflower'"):
        render("{% icon 'sunflower' %}")


def test_a_titled_icon_speaks() -> None:
    assert 'role="img" aria-label="Locked"' in render("{% icon 'password' 'Locked' %}")


def test_every_state_has_a_declared_icon() -> None:
    assert {state.icon for state in states.STATES.values()} <= set(ICONS)


def test_every_icon_has_one_meaning() -> None:
    assert len(set(ICONS.values())) == len(ICONS)


def test_a_state_cannot_change_its_meaning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(states, "STATES", dict(states.STATES))
    with pytest.raises(ValueError, match="two states are called 'active'"):
        states.register("active", State("Asleep", "quiet", "state-off"))
    states.register("asleep", State("Asleep", "quiet", "state-off"))
    assert states.state_of("asleep").word == "Asleep"


@pytest.mark.parametrize(
    ("used", "limit", "tone", "words"),
    [
        (700, 1000, "good", "Disk 700 MB of 1,000 MB"),
        (800, 1000, "warn", "Disk 800 MB of 1,000 MB"),
        (950, 1000, "bad", "Disk 950 MB of 1,000 MB"),
        (0, 0, "bad", "Disk 0 MB of 0 MB"),
    ],
)
def test_a_meter_warns_before_it_is_full(used: int, limit: int, tone: str, words: str) -> None:
    html = render("{% meter used limit 'MB' 'Disk' %}", used=used, limit=limit)
    assert f"h-progress-{tone}" in html
    assert words in text(html.replace("</span><span", "</span> <span"))


def test_a_meter_without_limit_has_words_and_no_bar() -> None:
    html = render("{% meter 12 None '' 'Domains' %}")
    assert "<progress" not in html
    assert "12, no limit" in text(html)


def test_bytes_are_scaled() -> None:
    assert "3.4 GB of 5 GB" in text(render("{% meter 3650722201 5368709120 'bytes' %}"))


def test_progress_with_no_known_end_says_that_it_works() -> None:
    html = render("{% progress 0 0 'Looking' %}")
    assert "value=" not in html
    assert "Working" in text(html)
    assert "2 of 5 steps" in text(render("{% progress 2 5 'Setting up' %}"))


def test_a_timeline_says_what_when_and_who() -> None:
    events = [TimelineEvent(NOW - timedelta(hours=1), "Mailbox opened", "Anna", "done")]
    shown = text(render("{% timeline events %}", events=events))
    assert shown == "Mailbox opened 14 Mar 2026, 08:26 UTC 1 hour ago · Anna"


def test_an_empty_timeline_says_so() -> None:
    assert "Nothing has happened here yet." in render("{% timeline events %}", events=[])


def test_what_people_typed_is_escaped_everywhere() -> None:
    evil = "<b onclick=1>"
    html = render(
        "{% notice 'info' evil %}{% empty_state evil evil evil evil %}{% timeline events %}{% facts lines %}"
        "{% meter 1 2 evil evil %}{% bars points evil %}{% state_badge evil %}{% icon 'home' evil %}",
        evil=evil,
        events=[TimelineEvent(NOW, evil, evil)],
        lines=[Fact(evil, evil, help=evil)],
        points=[Bar(evil, 1, evil)],
    )
    assert "<b onclick" not in html


def test_steps_lead_back_and_not_ahead() -> None:
    steps = steps_of(["Period", "Domain", "Review"], 1, ["/period", "/domain", "/review"])
    html = render("{% steps steps %}", steps=steps)
    assert 'href="/period"' in html
    assert 'href="/review"' not in html
    assert 'aria-current="step"' in html
    assert "Step 2 of 3" in html


def test_pages_keep_the_filters_in_their_links() -> None:
    request = RequestFactory().get("/?q=anna&page=2")
    page = Paginator(range(50), 10).page(2)
    html = Template("{% load look %}{% pagination page %}").render(
        Context({"page": page, "request": request})
    )
    assert 'href="?q=anna&amp;page=3"' in html or 'href="?page=3&amp;q=anna"' in html
    assert '<span aria-current="page">2</span>' in html
