"""What a check found, and how findings are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`mend` is the command or act that puts it right; empty when nothing is wrong."""

    area: str
    name: str
    state: State
    detail: str
    mend: str = ""


def exit_code(findings: Sequence[Finding]) -> int:
    """1 when something fails; a warning alone is 0."""
    return 1 if any(finding.state == "fail" for finding in findings) else 0


def table(findings: Sequence[Finding]) -> str:
    width = max((len(finding.name) for finding in findings), default=0)
    lines: list[str] = []
    area = ""
    for finding in findings:
        if finding.area != area:
            area = finding.area
            lines += ["", area]
        lines.append(f"  {finding.state:<4}  {finding.name:<{width}}  {finding.detail}")
        if finding.mend:
            lines.append(f"        {'':<{width}}  → {finding.mend}")
    counts = {state: sum(finding.state == state for finding in findings) for state in ("ok", "warn", "fail")}
    lines += ["", f"{counts['ok']} ok, {counts['warn']} to look at, {counts['fail']} wrong"]
    return "\n".join(lines).lstrip("\n")
