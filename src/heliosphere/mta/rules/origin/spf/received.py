"""The Received-SPF field, in the form qmail's patches write it."""

from __future__ import annotations

import re

from heliosphere.mta.rules.origin.spf.values import SpfRequest, SpfResult, SpfSource, SpfStatus

_TEXTS = {
    SpfStatus.PASS: "SPF record at {domain} designates {ip} as permitted sender",
    SpfStatus.FAIL: "SPF record at {domain} does not designate {ip} as permitted sender",
    SpfStatus.SOFTFAIL: "transitioning SPF record at {domain} does not designate {ip} as permitted sender",
    SpfStatus.NEUTRAL: "{ip} is neither permitted nor denied by SPF record at {domain}",
    SpfStatus.NONE: "domain at {domain} does not designate permitted sender hosts",
    SpfStatus.TEMPERROR: "error in processing SPF record at {domain}",
    SpfStatus.PERMERROR: "SPF record at {domain} cannot be used",
}
_PLAIN = re.compile(r"[!#-'*+\-./-9=?@A-Z^-~]+")
_MAX_VALUE = 320


def received_spf_field(result: SpfResult, request: SpfRequest) -> bytes:
    """One line with its end, to stand above Received (mail formats, 7.5).

    `Received-SPF: pass (mx.one.test: …) client-ip=192.0.2.9; envelope-from=carl@far.test;`, with `helo=`
    instead of `envelope-from=` for the null sender.
    """
    text = _TEXTS[result.status].format(domain=_comment(result.domain) or "unknown", ip=_comment(request.ip))
    if result.source is not SpfSource.PUBLISHED:
        text = f"{text} by local policy"
    who = f"envelope-from={_value(request.sender)}" if request.sender else f"helo={_value(request.helo)}"
    comment = f"{_comment(request.receiver)}: {text}"
    field = f"Received-SPF: {result.status} ({comment}) client-ip={_comment(request.ip)}; {who};\n"
    return field.encode("ascii", "replace")


def _comment(text: str) -> str:
    return "".join(char if "!" <= char <= "~" and char not in "()\\" else "?" for char in text)[:_MAX_VALUE]


def _value(text: str) -> str:
    shown = "".join(char if " " <= char <= "~" else "?" for char in text)[:_MAX_VALUE]
    if _PLAIN.fullmatch(shown):
        return shown
    quoted = shown.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}"'
