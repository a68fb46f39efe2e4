"""Web sites on nginx: one file per site, checked by nginx itself before it is read, undone when refused."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from heliosphere.agent.config import AgentConfig
from heliosphere.agent.drivers.base import DriverEntry, Work
from heliosphere.agent.host import change as changes
from heliosphere.agent.host.files import sync_folder, write_whole
from heliosphere.agent.host.locks import held
from heliosphere.agent.host.nginx import VERSION_PATH, Nginx
from heliosphere.agent.rules.errors import Refused, TryLater
from heliosphere.agent.rules.names import why_not_host_name
from heliosphere.agent.rules.site_marks import VERSION_HERE, first_line, spec_in, version_in, with_version
from heliosphere.agent.rules.site_steps import FoundSite, site_steps, why_not_site
from heliosphere.agent.rules.steps import Plan, Step
from heliosphere.contracts.sites import SiteSpec

_RELOAD_PATIENCE = 10.0
_LOCK_PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class WebPlaces:
    """`root`/<owner>/<site>/htdocs is the content, `conf_dir`/<site>.conf the site file.

    `listen_file` holds the listen line all site files include.
    """

    root: Path
    conf_dir: Path
    listen_file: Path
    state_dir: Path

    def site(self, spec: SiteSpec) -> Path:
        return self.root / spec.owner / spec.name

    def conf(self, name: str) -> Path:
        return self.conf_dir / f"{name}.conf"

    @property
    def pages(self) -> Path:
        return self.root / ".pages"

    @property
    def removed(self) -> Path:
        return self.root / ".removed"


class WebSiteDriver:
    kind = "web_site"
    spec_type = SiteSpec

    def __init__(self, nginx: Nginx, places: WebPlaces) -> None:
        self._nginx = nginx
        self._places = places

    @cached_property
    def _templates(self) -> Environment:
        return Environment(
            loader=PackageLoader("heliosphere.agent.drivers"),
            autoescape=select_autoescape(("html", "html.j2")),
            undefined=StrictUndefined,
            trim_blocks=True,
            keep_trailing_newline=True,
        )

    def name_of(self, spec: SiteSpec) -> str:
        return spec.name

    def inspect(self, name: str) -> SiteSpec | None:
        conf = self._conf_text(name)
        return None if conf is None else spec_in(conf)

    def plan(self, wanted: SiteSpec) -> Plan:
        found = FoundSite(self._conf_text(wanted.name), (self._places.site(wanted) / "htdocs").is_dir())
        return site_steps(found, wanted, self._conf_for(wanted))

    def apply(self, wanted: SiteSpec, work: Work) -> tuple[str, ...]:
        if reason := why_not_site(wanted):
            raise Refused(
                "site_wrong", f"The site cannot be made: {reason}.", "Correct the name, then retry."
            )
        with self._alone():
            self._demand_running()
            self._demand_ours(wanted.name)

            def act(step: Step) -> None:
                if step.action == "make_document_root":
                    self._make_document_root(wanted, work)
                else:
                    self._set_conf(wanted.name, step.value, work)

            done = work.run(self.plan(wanted), act)
            self._demand_served(wanted.name, version_in(self._conf_for(wanted)))
            return done

    def remove(self, name: str, work: Work) -> tuple[str, ...]:
        """The site file goes, the content is set aside under the web root's `.removed`."""
        if reason := why_not_host_name(name):
            raise Refused("site_wrong", f"{name!r}: {reason}.")
        with self._alone():
            spec = self.inspect(name)
            if self._conf_text(name) is None:
                return ()
            self._demand_running()
            self._demand_ours(name)
            assert spec is not None

            def act(step: Step) -> None:
                if step.action == "set_aside":
                    self._set_aside(spec)
                else:
                    self._set_conf(name, None, work)

            plan = (
                Step("set_aside", f"set the content of {name} aside"),
                Step("remove_conf", f"let the web server forget {name}"),
            )
            return work.run(plan, act)

    def recover(self) -> None:
        with self._alone():
            pass

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One job at a time changes this web server; a change whose process died is settled first."""
        with held(self._places.state_dir / "web.lock", patience=_LOCK_PATIENCE):
            if changes.settle_interrupted(self._places.state_dir / "changes"):
                self._nginx.reload()
            yield

    def _demand_running(self) -> None:
        if not self._nginx.is_running():
            raise TryLater(
                "web_server_down", "nginx is not running.", "heliosphere doctor says how to start it."
            )

    def _demand_ours(self, name: str) -> None:
        conf = self._conf_text(name)
        if conf is not None and spec_in(conf) is None:
            raise Refused(
                "site_not_ours",
                f"{self._places.conf(name)} was not written by Heliosphere.",
                "Move that file away, then try again.",
            )

    def _conf_text(self, name: str) -> str | None:
        try:
            return self._places.conf(name).read_text()
        except FileNotFoundError:
            return None

    def _conf_for(self, wanted: SiteSpec) -> str:
        site = self._places.site(wanted)
        text = self._templates.get_template("site.conf.j2").render(
            first_line=first_line(wanted),
            listen_file=self._places.listen_file,
            names=(wanted.name, *wanted.aliases),
            root=site / "htdocs",
            access_log=site / "access.log",
            pages=self._places.pages,
            suspended=wanted.state == "suspended",
            version_path=VERSION_PATH,
            version=VERSION_HERE,
        )
        return with_version(text)

    def _make_document_root(self, wanted: SiteSpec, work: Work) -> None:
        """Made aside and renamed, so that a document root without a start page is never seen."""
        site = self._places.site(wanted)
        aside = site / ".htdocs.new"
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        work.checkpoint("document-root-aside")
        page = self._templates.get_template("start_page.html.j2").render(name=wanted.name)
        write_whole(aside / "index.html", page.encode())
        work.checkpoint("start-page-written")
        aside.rename(site / "htdocs")
        sync_folder(site)

    def _set_conf(self, name: str, conf: str | None, work: Work) -> None:
        self._write_pages()
        change = changes.begin(self._places.state_dir / "changes", work.checkpoint)
        try:
            if conf is None:
                change.remove(self._places.conf(name))
            else:
                change.replace(self._places.conf(name), conf.encode())
            self._demand_accepted()
            change.keep()
            self._nginx.reload()
            work.checkpoint("reloaded")
            self._demand_served(name, None if conf is None else version_in(conf))
        except Exception:
            change.undo()
            self._nginx.reload()
            raise
        change.finish()

    def _write_pages(self) -> None:
        page = self._places.pages / "suspended.html"
        text = self._templates.get_template("suspended.html.j2").render().encode()
        if not page.exists() or page.read_bytes() != text:
            page.parent.mkdir(parents=True, exist_ok=True)
            write_whole(page, text)

    def _demand_accepted(self) -> None:
        complaint = self._nginx.complaint()
        if complaint is not None:
            raise Refused(
                "web_server_refuses",
                f"nginx does not accept the site: {complaint[-400:]}",
                "The old configuration is back in place. Mend what nginx names, then try again.",
            )

    def _demand_served(self, name: str, version: str | None) -> None:
        if not self._nginx.serves(name, version, patience=_RELOAD_PATIENCE):
            raise TryLater("web_server_slow", "nginx did not take the new site file in time; it was undone.")

    def _set_aside(self, spec: SiteSpec) -> None:
        """A second removal of a site made again under the same name must not meet the first one's content."""
        site = self._places.site(spec)
        if not site.is_dir():
            return
        self._places.removed.mkdir(parents=True, exist_ok=True)
        number = sum(1 for _ in self._places.removed.glob(f"{spec.owner}_{spec.name}.*"))
        site.rename(self._places.removed / f"{spec.owner}_{spec.name}.{number + 1}")
        sync_folder(self._places.removed)


def _build(config: AgentConfig) -> WebSiteDriver:
    section = config.sections["web"]
    nginx = Nginx(Path(section["main_conf"]), Path(section["pid_file"]), section["listen"])
    places = WebPlaces(
        root=Path(section["root"]),
        conf_dir=Path(section["conf_dir"]),
        listen_file=Path(section["listen_file"]),
        state_dir=config.state_dir / "web",
    )
    return WebSiteDriver(nginx, places)


ENTRY = DriverEntry("web_site", "web", "Install nginx-core.", _build)
