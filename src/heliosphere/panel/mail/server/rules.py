"""Settings of a mail server between form and file: one spelling each, what differs, what is wrong. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from heliosphere.contracts.controls import REGISTRY
from heliosphere.contracts.controls.registry import BadValue, Control, Stage, read_entries, read_value
from heliosphere.contracts.mail_server import ControlsFound, ControlState

#: The order of the guide: how a session goes, then what comes after it.
STAGES: tuple[str, ...] = get_args(Stage)
_LONGEST_TOLD = 80


def in_panel() -> list[Control[Any]]:
    """The controls an administrator may set, by stage, then by name."""
    shown = [control for control in REGISTRY if control.in_panel and not control.secret]
    return sorted(shown, key=lambda control: (STAGES.index(control.stage), control.name))


def may_set(name: str) -> bool:
    control = REGISTRY.get(name)
    return control is not None and control.in_panel and not control.secret


def one_spelling(control: Control[Any], text: str | None) -> str | None:
    """The text of a control in the spelling that is shown and compared; None where that is the default.

    A flag is 1 or 0 as it is in force; a number or text its first line; a list as it stands, without ends of
    lines that nobody sees.
    """
    if control.kind == "flag":
        value = read_value(control, text)[0] if text is not None else control.default
        return "1" if value else "0"
    if text is None:
        return None
    if control.kind == "lines":
        return text.replace("\r\n", "\n").strip("\n") or None
    line = text.partition("\n")[0].strip()
    return line if line or control.empty_means else None


def text_for(control: Control[Any], spelled: str | None) -> str | None:
    """What to send for a value in its one spelling: None when the default says the same."""
    if control.kind == "flag":
        return None if spelled == ("1" if control.default else "0") else spelled
    return spelled


def digest(spelled: str | None) -> str:
    """A short name of a value, to tell later whether it is still the same."""
    text = "default" if spelled is None else f"set {spelled}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def version(states: Iterable[ControlState]) -> str:
    """A short name of all settings together."""
    parts = (f"{one.name}\0{one.source}\0{one.text or ''}" for one in states)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def problems(name: str, text: str | None) -> tuple[BadValue, ...]:
    """What is wrong with the text of a control, remarks too; line by line."""
    control = REGISTRY.get(name)
    return () if control is None or text is None else read_value(control, text)[1]


def unusable(name: str, text: str | None) -> list[BadValue]:
    return [one for one in problems(name, text) if not one.is_remark]


def bad_values(found: ControlsFound) -> list[BadValue]:
    """Every value on the server that cannot be used as it stands, of controls outside the panel too."""
    return [bad for state in found.controls for bad in unusable(state.name, state.text)]


def told(name: str, text: str | None) -> str:
    """A value for the audit trail: lists are counted, long texts cut."""
    control = REGISTRY.get(name)
    if text is None:
        return "default"
    if control is not None and control.kind == "lines":
        count = len(read_entries(text))
        return f"{count} {'entry' if count == 1 else 'entries'}"
    return text if len(text) <= _LONGEST_TOLD else text[:_LONGEST_TOLD] + "…"


def after_change(found: ControlsFound, values: Mapping[str, str | None]) -> ControlsFound:
    """What the server has once `values` are set."""
    states = {one.name: one for one in found.controls}
    for name, text in values.items():
        source = "default" if text is None else "file"
        states[name] = ControlState(name, text, source)
    return ControlsFound(tuple(states.values()), found.unknown, "")


def default_text(control: Control[Any], values: Mapping[str, object]) -> str | None:
    """The default as it is typed; None: the server's name, or no entries. `values` are those in force."""
    default = control.default_of(values) if control.default_of is not None else control.default
    if default is None:
        return None
    return str(int(default)) if isinstance(default, bool) else str(default)
