"""Changes of the file `smtpplugins` that keep everything else in it as it is."""

from __future__ import annotations

from heliosphere.mta.rules.plugins.spp import PluginLine, Section, parse_plugins


def with_plugin(text: str, section: Section, program: str, *, shell: bool) -> str:
    """The file with this plugin at the end of its section. One that is there already is not doubled; with
    another way to run it, the way changes."""
    lines = _lines(text)
    wanted = (":" if shell else "") + program
    for plugin in _of_program(text, section, program):
        if plugin.shell == shell:
            return text
        lines[plugin.line - 1] = str(PluginLine(section, plugin.command, shell))
        return _joined(lines)
    at = _end_of_section(lines, section)
    if at is None:
        lines += [f"[{section.value}]", wanted]
    else:
        lines.insert(at, wanted)
    return _joined(lines)


def without_plugin(text: str, section: Section, program: str) -> str:
    gone = {plugin.line for plugin in _of_program(text, section, program)}
    return _without_lines(text, gone)


def without_plugins(text: str, section: Section | None) -> str:
    """All plugins of one section, or of all."""
    found = parse_plugins(_lines(text)).plugins
    return _without_lines(text, {one.line for one in found if section in (None, one.section)})


def _of_program(text: str, section: Section, program: str) -> list[PluginLine]:
    return [one for one in parse_plugins(_lines(text)).of(section) if one.program == program]


def _end_of_section(lines: list[str], section: Section) -> int | None:
    """Behind the last line of the section that is not blank; None when there is no such section."""
    end, inside = None, False
    for at, line in enumerate(lines):
        if line.lstrip(" \t").startswith("["):
            inside = line.lstrip(" \t")[1:2].lower() == section.value[0]
        if inside and line.strip():
            end = at + 1
    return end


def _without_lines(text: str, gone: set[int]) -> str:
    if not gone:
        return text
    return _joined([line for number, line in enumerate(_lines(text), 1) if number not in gone])


def _lines(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n") if text else []


def _joined(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
