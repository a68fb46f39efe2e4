"""Web sites: from what the node has to what is wanted."""

from __future__ import annotations

from dataclasses import dataclass

from heliosphere.agent.rules.names import why_not_host_name, why_not_owner
from heliosphere.agent.rules.steps import Plan, Step
from heliosphere.contracts.sites import SiteSpec


@dataclass(frozen=True, slots=True)
class FoundSite:
    """`conf` is the text of the site's configuration file, None when there is none."""

    conf: str | None
    has_document_root: bool


def why_not_site(wanted: SiteSpec) -> str | None:
    for name in (wanted.name, *wanted.aliases):
        if reason := why_not_host_name(name):
            return f"{name!r}: {reason}"
    if reason := why_not_owner(wanted.owner):
        return f"{wanted.owner!r}: {reason}"
    return None


def site_steps(found: FoundSite, wanted: SiteSpec, wanted_conf: str) -> Plan:
    """The document root first, so that the web server never serves a site without one."""
    steps: list[Step] = []
    if not found.has_document_root:
        steps.append(Step("make_document_root", f"make the document root of {wanted.name} with a start page"))
    if found.conf != wanted_conf:
        what = "suspended page" if wanted.state == "suspended" else "content"
        steps.append(Step("set_conf", f"let the web server show the {what} of {wanted.name}", wanted_conf))
    return tuple(steps)
