"""smtpplugins and the words of plugins, without running any."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliosphere.mta.rules.plugins.spp import (
    Decision,
    PluginFacts,
    PluginLine,
    PluginOutcome,
    Section,
    fold,
    is_builtin_rblspp,
    parse_output,
    parse_plugins,
    plugin_environment,
    refusal_reply,
)
from heliosphere.mta.rules.plugins.spp_table import with_plugin, without_plugin, without_plugins

EXAMPLE = """\
[connection]
/var/qmail/control/plugins/rblspp
[helo]
[mail]
# checks of ours
/var/qmail/control/plugins/sendercheck
[rcpt]
:/var/qmail/control/plugins/log.sh rcpt
[data]
[auth]
/opt/x/audit one two
"""


def said(text, section=Section.RCPT):
    """What a plugin that says `text` wants."""
    actions, problems = parse_output(text.encode("utf-8", "surrogateescape"), section)
    assert not problems
    return fold(actions)


# The table


@pytest.mark.guide("MAIL-SPP-018")
def test_each_section_has_its_plugins_in_order():
    table = parse_plugins(EXAMPLE.split("\n"))

    assert not table.problems
    assert [one.program for one in table.of(Section.CONNECTION)] == ["/var/qmail/control/plugins/rblspp"]
    assert table.of(Section.HELO) == table.of(Section.DATA) == ()
    assert table.of(Section.MAIL) == (
        PluginLine(Section.MAIL, "/var/qmail/control/plugins/sendercheck", False, 6),
    )
    assert table.of(Section.AUTH)[0].argv == ("/opt/x/audit", "one", "two")
    assert table.has_rblspp


@pytest.mark.guide("MAIL-SPP-010")
def test_a_colon_in_front_means_the_shell():
    (line,) = parse_plugins(EXAMPLE.split("\n")).of(Section.RCPT)
    assert line.argv == ("/bin/sh", "-c", "/var/qmail/control/plugins/log.sh rcpt")


def test_only_the_first_letter_of_a_section_counts():
    table = parse_plugins(["[c]", "/a", "[Rumpelstiltskin", "/b"])
    assert [(one.section, one.command) for one in table.plugins] == [
        (Section.CONNECTION, "/a"),
        (Section.RCPT, "/b"),
    ]


def test_lines_below_an_unknown_section_are_left_out_and_named():
    table = parse_plugins(["/lost", "[whatever]", "/a", "[mail]", ":", "/b"])
    assert [one.command for one in table.plugins] == ["/b"]
    assert [one.line for one in table.problems] == [1, 2, 3, 5]


@pytest.mark.parametrize(
    ("command", "is_it"),
    [
        ("/var/qmail/control/plugins/rblspp", True),
        ("rblspp", True),
        ("/x/rblspp -v", True),
        ("/x/myrblspp", False),
    ],
)
def test_rblspp_is_known_by_its_name(command, is_it):
    assert is_builtin_rblspp(PluginLine(Section.RCPT, command)) is is_it


@given(st.lists(st.text()))
def test_any_lines_are_plugins_or_problems(lines):
    table = parse_plugins(lines)
    assert all(1 <= one.line <= len(lines) for one in (*table.plugins, *table.problems))
    assert all(one.argv for one in table.plugins)


# What a plugin is told


def test_a_plugin_is_told_what_is_known_and_nothing_else():
    facts = PluginFacts(
        "192.0.2.1", host="mx.far.test", helo="", sender="", recipient="a@one.test", accepted_recipients=0,
        tried_recipients=3, is_served_domain=False,
    )  # fmt: skip
    assert plugin_environment(facts, {"RELAYCLIENT": "", "SMTPRCPTTO": "x", "BAD": "a\0b"}) == {
        "PROTO": "TCP", "TCPREMOTEIP": "192.0.2.1", "TCPREMOTEHOST": "mx.far.test", "RELAYCLIENT": "",
        "SMTPHELOHOST": "", "SMTPMAILFROM": "", "SMTPRCPTTO": "a@one.test", "SMTPRCPTCOUNT": "0",
        "SMTPRCPTCOUNTALL": "3", "SMTPRCPTHOSTSOK": "0",
    }  # fmt: skip


# What a plugin says


@pytest.mark.parametrize(
    ("text", "decision", "ends"),
    [("", Decision.GO_ON, False), ("A", Decision.SKIP_SECTION, True), ("N\n", Decision.SKIP_SECTION, False),
     ("O\r\n", Decision.ACCEPT, False), ("D", Decision.DROP, False), ("E550 no", Decision.REFUSE, False)],
)  # fmt: skip
def test_each_decision(text, decision, ends):
    outcome = said(text)
    assert (outcome.decision, outcome.ends_plugins) == (decision, ends)
    assert outcome.skips_own_checks is (decision is Decision.ACCEPT)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("550 not here", "550 not here"),
        ("550 5.7.1 not here", "550 5.7.1 not here (#5.7.1)"),
        ("451 later (#4.3.0)", "451 4.3.0 later (#4.3.0)"),
        ("550 4.7.1 mixed up", "550 mixed up"),
        ("550", "550 refused"),
        ("250 ok", "451 4.3.0 250 ok (#4.3.0)"),
        ("go away", "451 4.3.0 go away (#4.3.0)"),
        ("", "451 4.3.0 refused by a plugin (#4.3.0)"),
        ("550 two\rlines\x00", "550 two?lines?"),
    ],
)
def test_a_refusal_keeps_its_code(text, line):
    assert refusal_reply(text).line() == line


def test_r_refuses_and_hangs_up():
    assert said("R421 enough").reply.close
    assert not said("E421 enough").reply.close


def test_effects_are_kept_in_order_up_to_the_decision():
    outcome = said(
        "PHello\nHX-Seen: yes\nSCOLOR=blue\nUTASTE\nLM550 no more\nLD451 later\nLM551 never\nC<b@one.test>\n"
        "HX-Two: 2\nSCOLOR=red=dark\nE550 stop\nPunheard\nSCOLOR=gone\n"
    )
    assert outcome == PluginOutcome(
        Decision.REFUSE,
        refusal_reply("550 stop"),
        False,
        {Section.MAIL: refusal_reply("550 no more"), Section.DATA: refusal_reply("451 later")},
        {"COLOR": "red=dark", "TASTE": None},
        ("X-Seen: yes", "X-Two: 2"),
        "b@one.test",
        ("Hello",),
    )


def test_two_plugins_add_up_and_the_later_decides():
    both = said("SA=1\nSB=1\nLR550 first\nHX: 1\nCx@one.test\nA").with_(said("SB=2\nLR550 second\nHY: 2\nO"))
    assert (both.decision, both.ends_plugins, both.address) == (Decision.ACCEPT, True, "x@one.test")
    assert (both.environment, both.headers) == ({"A": "1", "B": "2"}, ("X: 1", "Y: 2"))
    assert both.later[Section.RCPT].text == "first"


@pytest.mark.parametrize(
    "line",
    [
        *(
            "X",
            "Ayes",
            "LX550 no",
            "L",
            "Hno header",
            "H: x",
            "HX y: z",
            "HX: " + "y" * 1000,
            "Cno spaces@x y",
            "C",
        ),
        *("S=x", "S1A=x", "SA", "UA=x", "U", "\0", "hello"),
    ],
)
def test_what_is_no_command_is_named_and_changes_nothing(line):
    actions, problems = parse_output(f"{line}\nPfine\n".encode(), Section.RCPT)
    assert fold(actions) == PluginOutcome(notes=("fine",))
    assert [one.line for one in problems] == [1]


def test_an_address_is_only_changed_where_there_is_one():
    for section in Section:
        actions, _ = parse_output(b"Cx@one.test", section)
        assert fold(actions).address == ("x@one.test" if section in (Section.MAIL, Section.RCPT) else None)
    assert said("C<>", Section.MAIL).address == ""


@given(st.binary(max_size=2000), st.sampled_from(Section))
def test_any_output_gives_safe_effects(output, section):
    actions, _ = parse_output(output, section)
    outcome = fold(actions)
    texts = [*outcome.headers, *outcome.notes, outcome.address or ""]
    replies = [outcome.reply, *outcome.later.values()]
    texts += [one.text for one in replies if one is not None]
    assert not any(char in text for text in texts for char in "\r\n\0")
    assert all(400 <= one.code < 600 for one in replies if one is not None)


# Changing the table


def test_a_plugin_is_added_at_the_end_of_its_section():
    changed = with_plugin(EXAMPLE, Section.MAIL, "/x/new", shell=False)
    assert changed == EXAMPLE.replace("sendercheck\n", "sendercheck\n/x/new\n")
    assert with_plugin(EXAMPLE, Section.HELO, "/x/new", shell=True) == EXAMPLE.replace(
        "[helo]\n", "[helo]\n:/x/new\n"
    )
    assert with_plugin("", Section.HELO, "/x/new", shell=False) == "[helo]\n/x/new\n"


def test_adding_twice_adds_once_and_can_change_the_way_to_run():
    once = with_plugin(EXAMPLE, Section.MAIL, "/x/new", shell=False)
    assert with_plugin(once, Section.MAIL, "/x/new", shell=False) == once
    assert with_plugin(once, Section.MAIL, "/x/new", shell=True) == once.replace("\n/x/new", "\n:/x/new")


def test_removing_takes_one_plugin_of_one_section():
    both = with_plugin(
        with_plugin(EXAMPLE, Section.MAIL, "/x/new", shell=False), Section.RCPT, "/x/new", shell=True
    )
    assert without_plugin(without_plugin(both, Section.MAIL, "/x/new"), Section.RCPT, "/x/new") == EXAMPLE
    assert without_plugin(EXAMPLE, Section.MAIL, "/x/new") == EXAMPLE


def test_removing_all_keeps_sections_and_comments():
    assert parse_plugins(without_plugins(EXAMPLE, None).split("\n")).plugins == ()
    assert "# checks of ours\n[rcpt]" in without_plugins(EXAMPLE, None)
    assert without_plugins(EXAMPLE, Section.AUTH) == EXAMPLE.removesuffix("/opt/x/audit one two\n")


_lines = st.lists(
    st.sampled_from(["[mail]", "[rcpt", "[zzz]", "/a", ":/b x", "# c", "", "  /a  "]), max_size=12
)


@given(_lines, st.sampled_from(Section), st.booleans())
def test_adding_and_removing_leaves_what_was_there(lines, section, shell):
    text = "".join(f"{one}\n" for one in lines)
    added = with_plugin(text, section, "/x/new", shell=shell)
    (found,) = [one for one in parse_plugins(added.split("\n")).of(section) if one.program == "/x/new"]
    assert found.shell is shell
    before, after = (
        parse_plugins(text.split("\n")),
        parse_plugins(without_plugin(added, section, "/x/new").split("\n")),
    )
    assert [(one.section, str(one)) for one in before.plugins] == [
        (one.section, str(one)) for one in after.plugins
    ]
