"""Sites on a real nginx, seen by an HTTP client."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from heliosphere.contracts.sites import SiteSpec
from tests.agent.conftest import Node
from tests.agent.jobs import envelope, run_and_die, run_once

pytestmark = pytest.mark.integration


class Visitor:
    def __init__(self, node: Node) -> None:
        self._listen = node.house.address("web")

    def get(self, name: str, path: str = "/") -> httpx.Response:
        return httpx.get(f"http://{self._listen}{path}", headers={"Host": name}, trust_env=False)


@pytest.fixture
def visitor(web_node: Node) -> Visitor:
    return Visitor(web_node)


def home(node: Node, spec: SiteSpec) -> Path:
    return node.house.places.web / spec.owner / spec.name / "htdocs"


def test_a_new_site_shows_its_start_page(web_node: Node, visitor: Visitor, tmp_path: Path) -> None:
    spec = SiteSpec("one.test", "anna", aliases=("www.one.test",))

    outcome = run_once(web_node.config(tmp_path), envelope("web_site.apply", spec))

    assert outcome.status == "done", outcome
    assert "one.test is ready" in visitor.get("one.test").text
    assert "one.test is ready" in visitor.get("www.one.test").text
    assert visitor.get("other.test").status_code == 404


def test_applying_twice_changes_once_and_keeps_the_customers_page(
    web_node: Node, visitor: Visitor, tmp_path: Path
) -> None:
    spec = SiteSpec("twice.test", "anna")
    config = web_node.config(tmp_path)
    run_once(config, envelope("web_site.apply", spec))
    (home(web_node, spec) / "index.html").write_text("my own page")

    again = run_once(config, envelope("web_site.apply", spec, job=2, fence=2))

    assert again.changes == ()
    assert visitor.get("twice.test").text == "my own page"


def test_a_suspended_site_shows_the_suspended_page_and_comes_back_whole(
    web_node: Node, visitor: Visitor, tmp_path: Path
) -> None:
    spec = SiteSpec("closed.test", "anna")
    config = web_node.config(tmp_path)
    run_once(config, envelope("web_site.apply", spec))
    (home(web_node, spec) / "index.html").write_text("my own page")

    run_once(config, envelope("web_site.apply", replace(spec, state="suspended"), job=2, fence=2))
    suspended = visitor.get("closed.test", "/any/page")
    run_once(config, envelope("web_site.apply", spec, job=3, fence=3))

    assert suspended.status_code == 503
    assert "This site is suspended" in suspended.text
    assert visitor.get("closed.test").text == "my own page"


def test_a_removed_site_is_forgotten_and_its_content_set_aside(
    web_node: Node, visitor: Visitor, tmp_path: Path
) -> None:
    spec = SiteSpec("gone.test", "anna")
    config = web_node.config(tmp_path)
    run_once(config, envelope("web_site.apply", spec))

    first = run_once(config, envelope("web_site.remove", spec, job=2, fence=2))
    second = run_once(config, envelope("web_site.remove", spec, job=3, fence=3))

    assert (first.status, second.status, second.changes) == ("done", "done", ())
    assert visitor.get("gone.test").status_code == 404
    aside = web_node.house.places.web / ".removed" / "anna_gone.test.1" / "htdocs" / "index.html"
    assert aside.exists()


def test_when_nginx_refuses_the_old_configuration_stays(
    web_node: Node, visitor: Visitor, tmp_path: Path
) -> None:
    spec = SiteSpec("refused.test", "anna")
    config = web_node.config(tmp_path)
    run_once(config, envelope("web_site.apply", spec))
    stranger = web_node.house.places.web_conf / "stranger.conf"
    stranger.write_text("nonsense;\n")
    try:
        outcome = run_once(
            config, envelope("web_site.apply", replace(spec, aliases=("new.test",)), job=2, fence=2)
        )
    finally:
        stranger.unlink()

    assert (outcome.status, outcome.code) == ("refused", "web_server_refuses")
    assert "stranger.conf" in outcome.message
    assert "new.test" not in (web_node.house.places.web_conf / "refused.test.conf").read_text()
    assert "refused.test is ready" in visitor.get("refused.test").text


def test_a_site_file_somebody_else_wrote_is_left_alone(web_node: Node, tmp_path: Path) -> None:
    foreign = web_node.house.places.web_conf / "foreign.test.conf"
    foreign.write_text("# by hand\n")
    try:
        outcome = run_once(
            web_node.config(tmp_path), envelope("web_site.apply", SiteSpec("foreign.test", "anna"))
        )
        kept = foreign.read_text()
    finally:
        foreign.unlink()

    assert (outcome.status, outcome.code) == ("refused", "site_not_ours")
    assert kept == "# by hand\n"


@pytest.mark.parametrize(
    "spec",
    [
        SiteSpec("a.test; include /etc/passwd", "anna"),
        SiteSpec("a.test", "../etc"),
        SiteSpec("a.test", "anna", aliases=("b test",)),
        SiteSpec("UPPER.test", "anna"),
    ],
)
def test_names_that_could_break_out_are_refused(web_node: Node, tmp_path: Path, spec: SiteSpec) -> None:
    outcome = run_once(web_node.config(tmp_path), envelope("web_site.apply", spec))

    assert (outcome.status, outcome.code) == ("refused", "site_wrong")


def test_without_nginx_the_job_waits_and_nothing_is_touched(web_node: Node, tmp_path: Path) -> None:
    config = web_node.config(tmp_path)
    config.sections["web"]["pid_file"] = str(tmp_path / "no.pid")
    spec = SiteSpec("later.test", "anna")

    outcome = run_once(config, envelope("web_site.apply", spec))

    assert (outcome.status, outcome.code) == ("try_later", "web_server_down")
    assert not home(web_node, spec).exists()


@pytest.mark.parametrize("at", range(16))
def test_killed_at_any_step_the_next_try_ends_with_one_whole_site(
    web_node: Node, visitor: Visitor, tmp_path: Path, at: int
) -> None:
    config = web_node.config(tmp_path)
    spec = SiteSpec(f"kill{at}.test", "anna")
    died = run_and_die(config, envelope("web_site.apply", spec), at)
    start_page = home(web_node, spec) / "index.html"
    inode = start_page.stat().st_ino if start_page.exists() else None

    outcome = run_once(config, envelope("web_site.apply", spec, fence=2))

    assert outcome.status == "done", outcome
    assert f"kill{at}.test is ready" in visitor.get(spec.name).text
    assert sorted(path.name for path in home(web_node, spec).parent.glob("*htdocs*")) == ["htdocs"]
    assert inode in (None, start_page.stat().st_ino), "the start page was not written again"
    assert list((tmp_path / "agent" / "web" / "changes").iterdir()) == []
    assert died == (at < 13)


@pytest.mark.parametrize("at", range(10))
def test_killed_while_removing_the_next_try_leaves_no_site(
    web_node: Node, visitor: Visitor, tmp_path: Path, at: int
) -> None:
    config, spec = web_node.config(tmp_path), SiteSpec(f"gone{at}.test", "anna")
    run_once(config, envelope("web_site.apply", spec))
    assert f"gone{at}.test is ready" in visitor.get(spec.name).text
    run_and_die(config, envelope("web_site.remove", spec, job=2, fence=2), at)

    outcome = run_once(config, envelope("web_site.remove", spec, job=2, fence=3))

    assert outcome.status == "done", outcome
    assert f"gone{at}.test is ready" not in visitor.get(spec.name).text
    assert not home(web_node, spec).exists()
    assert list((tmp_path / "agent" / "web" / "changes").iterdir()) == []
