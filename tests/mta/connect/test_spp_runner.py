"""Plugins as real processes: what they see, what they may do, and how they are ended."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import pytest
import uvloop

import heliosphere.mta
from heliosphere.mta.adapters.filters.spp_runner import SppRunner
from heliosphere.mta.rules.plugins.spp import (
    PLUGIN_FAILED,
    Decision,
    PluginFacts,
    PluginLine,
    PluginOutcome,
    Section,
    parse_plugins,
    plugin_environment,
)
from tests.mta.support import Events

SAMPLES = Path(heliosphere.mta.__file__).parent / "plugins"
pytestmark = pytest.mark.integration


@pytest.fixture
def log():
    return Events()


@pytest.fixture
def runner(tmp_path, log):
    return SppRunner(tmp_path, log, time_limit=20)


@pytest.fixture
def plugin(tmp_path):
    """Makes a plugin of the words of a shell script, and gives its line."""

    def make(script, section=Section.RCPT, name="plugin", shell=False):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return PluginLine(section, str(path), shell)

    return make


def is_gone(pid):
    """Ended, or only waiting to be reaped by whoever inherits it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


async def wait_for(condition):
    end = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < end, "waited too long"
        await asyncio.sleep(0.02)


async def test_a_plugin_sees_what_it_is_given_and_nothing_of_ours(runner, plugin, tmp_path, monkeypatch):
    monkeypatch.setenv("OUR_SECRET", "x")
    given = plugin_environment(PluginFacts("192.0.2.1", recipient="a@one.test"), {"RELAYCLIENT": ""})
    await runner.run(plugin(f"env > {tmp_path}/seen; pwd >> {tmp_path}/seen"), given)

    seen = set((tmp_path / "seen").read_text().splitlines())
    ours = {line for line in seen if not line.startswith(("PWD=", "_=", "SHLVL=", "OLDPWD="))}
    assert ours == {
        "PROTO=TCP", "TCPREMOTEIP=192.0.2.1", "SMTPRCPTTO=a@one.test", "RELAYCLIENT=", str(tmp_path),
        f"PATH={os.environ['PATH']}",
    }  # fmt: skip


async def test_what_a_plugin_says_is_done(runner, plugin):
    outcome = await runner.run(plugin("echo Pnote; echo HX-A: b; echo 'E550 5.1.1 no'"), {})

    assert (outcome.decision, outcome.headers) == (Decision.REFUSE, ("X-A: b",))
    assert outcome.reply.line() == "550 5.1.1 no (#5.1.1)"


async def test_notes_complaints_and_bad_words_go_to_the_log(runner, plugin, log):
    outcome = await runner.run(plugin("echo Phello; echo oops; echo 'it hurts' >&2"), {})

    assert outcome.decision is Decision.GO_ON
    assert sorted(log.names()) == ["spp.bad_output", "spp.complaint", "spp.note"]
    assert {"hello", "it hurts", "no such command"} <= {
        str(one) for _, fields in log.seen for one in fields.values()
    }


@pytest.mark.parametrize(
    ("exit_code", "decision"),
    [(0, Decision.ACCEPT), (1, Decision.ACCEPT), (111, Decision.ACCEPT), (120, Decision.FAILED)],
)
async def test_of_exit_codes_only_120_counts(runner, plugin, exit_code, decision):
    assert (await runner.run(plugin(f"echo O; exit {exit_code}"), {})).decision is decision


async def test_a_plugin_that_crashes_refuses_for_now(runner, plugin, log):
    outcome = await runner.run(plugin("echo O; kill -SEGV $$"), {})

    assert (outcome.decision, outcome.reply) == (Decision.FAILED, PLUGIN_FAILED)
    assert PLUGIN_FAILED.line().startswith("451 4.3.0 ")
    assert log.seen[-1][1]["reason"] == f"ended by signal {signal.SIGSEGV}"


@pytest.mark.parametrize(
    "kind", ["missing", "plain file", "directory", "zero byte", "shell missing", "shell plain file"]
)
async def test_a_plugin_that_cannot_be_executed_refuses_for_now(runner, tmp_path, kind):
    (tmp_path / "file").write_text("no program")
    path = str(tmp_path / ("file" if "file" in kind else "." if kind == "directory" else "absent"))
    path += "\0x" if kind == "zero byte" else ""
    outcome = await runner.run(PluginLine(Section.RCPT, path, "shell" in kind), {})
    assert outcome.reply == PLUGIN_FAILED


async def test_a_plugin_that_takes_too_long_is_ended_with_all_it_started(plugin, tmp_path, log):
    runner = SppRunner(tmp_path, log, time_limit=1)
    started = time.monotonic()
    outcome = await runner.run(plugin(f"sleep 60 & echo $! > {tmp_path}/pid; echo O; sleep 60"), {})

    assert outcome.decision is Decision.FAILED
    assert time.monotonic() - started < 10
    assert "within 1 seconds" in log.seen[-1][1]["reason"]
    await wait_for(lambda: is_gone(int((tmp_path / "pid").read_text())))


async def test_what_a_plugin_leaves_behind_neither_holds_us_up_nor_stays(runner, plugin, tmp_path):
    started = time.monotonic()
    outcome = await runner.run(plugin(f"sleep 60 & echo $! > {tmp_path}/pid; echo O"), {})

    assert outcome.decision is Decision.ACCEPT
    assert time.monotonic() - started < 10
    await wait_for(lambda: is_gone(int((tmp_path / "pid").read_text())))


async def test_a_plugin_that_says_too_much_is_ended(runner, plugin, log):
    outcome = await runner.run(plugin("exec yes Phello"), {})
    assert outcome.decision is Decision.FAILED
    assert "bytes of output" in log.seen[-1][1]["reason"]


async def test_much_complaint_neither_blocks_nor_floods(runner, plugin, log):
    outcome = await runner.run(
        plugin("i=0; while [ $i -lt 9000 ]; do echo 'a line, again and again' >&2; i=$((i+1)); done; echo O"),
        {},
    )
    assert outcome.decision is Decision.ACCEPT
    assert len(log.seen[0][1]["text"]) <= 4096


async def test_a_session_that_ends_takes_its_plugin_along(runner, plugin, tmp_path):
    task = asyncio.ensure_future(runner.run(plugin(f"echo $$ > {tmp_path}/pid; exec sleep 60"), {}))
    pid = tmp_path / "pid"
    await wait_for(lambda: pid.exists() and pid.read_text().strip())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert is_gone(int(pid.read_text()))


@pytest.mark.guide("MAIL-SPP-010")
async def test_shell_words_only_mean_something_behind_a_colon(runner, tmp_path, plugin):
    plugin('echo "P$#"', name="count")
    command = f"{tmp_path}/count a $HOME;echo O"
    plain = await runner.run(PluginLine(Section.RCPT, command), {})
    shell = await runner.run(PluginLine(Section.RCPT, command, shell=True), {})

    assert plain == PluginOutcome(notes=("3",))
    assert shell == PluginOutcome(Decision.ACCEPT, notes=("1",))


async def test_a_relative_path_begins_at_our_directory(runner, plugin):
    plugin("echo O", name="here")
    assert (await runner.run(PluginLine(Section.RCPT, "here"), {})).decision is Decision.ACCEPT


async def test_a_section_runs_until_one_decides(runner, plugin, tmp_path):
    lines = [
        plugin("echo SCOLOR=blue; echo Cnew@one.test; echo HX: 1", name="one"),
        PluginLine(Section.RCPT, "/nowhere/rblspp"),
        plugin('echo "P$COLOR $SMTPRCPTTO"; echo UCOLOR; echo N', name="two"),
        plugin(f"touch {tmp_path}/ran", name="three"),
    ]
    outcome = await runner.run_section(lines, {"SMTPRCPTTO": "old@one.test"})

    assert outcome.notes == ("blue new@one.test",)
    assert (outcome.environment, outcome.address) == ({"COLOR": None}, "new@one.test")
    assert not (tmp_path / "ran").exists()


@pytest.mark.guide("MAIL-SPP-008")
async def test_without_plugins_no_process_is_started(runner, monkeypatch):
    monkeypatch.setattr(asyncio, "create_subprocess_exec", lambda *words, **options: pytest.fail("started"))
    lines = parse_plugins(["[rcpt]", "/x/rblspp"]).of(Section.RCPT)

    assert await runner.run_section((), {}) == await runner.run_section(lines, {}) == PluginOutcome()


def test_it_works_on_the_loop_the_engine_uses(runner, plugin):
    line, slow = plugin("echo O"), plugin("sleep 60", name="slow")

    async def both():
        return await runner.run(line, {}), await SppRunner(runner._home, Events(), time_limit=0.3).run(
            slow, {}
        )

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        taken, late = loop.run(both())
    assert (taken.decision, late.decision) == (Decision.ACCEPT, Decision.FAILED)


async def test_many_at_once(runner, plugin):
    line = plugin("echo O")
    outcomes = await asyncio.gather(*(runner.run(line, {}) for _ in range(20)))
    assert {one.decision for one in outcomes} == {Decision.ACCEPT}


# The samples


def sample(name, section):
    return PluginLine(section, f"{sys.executable} -IS {SAMPLES / name}")


async def test_ifauthskip_spares_users_the_plugins_below_it(runner, plugin):
    lines = [sample("ifauthskip", Section.MAIL), plugin("echo E550 no", Section.MAIL)]

    assert (await runner.run_section(lines, {"TCPREMOTEIP": "192.0.2.1"})).decision is Decision.REFUSE
    for given in ({"SMTPAUTHUSER": "alice@one.test"}, {"RELAYCLIENT": ""}):
        assert (await runner.run_section(lines, given)).decision is Decision.SKIP_SECTION


async def test_sendercheck_refuses_strangers_in_our_name(runner, tmp_path):
    plugins = tmp_path / "control" / "plugins"
    plugins.mkdir(parents=True)
    (plugins / "sendercheck").write_bytes((SAMPLES / "sendercheck").read_bytes())
    (tmp_path / "control" / "rcpthosts").write_text("# ours\none.test\nshop.test\n")
    (plugins / "sendercheck.skip").write_text("Shop.test\n")
    line = PluginLine(Section.MAIL, f"{sys.executable} -IS {plugins}/sendercheck")

    async def reply(sender, **more):
        return (await runner.run(line, {"TCPREMOTEIP": "192.0.2.1", "SMTPMAILFROM": sender, **more})).reply

    assert (await reply("boss@ONE.test")).code == 550
    assert await reply("boss@one.test", SMTPAUTHUSER="alice@one.test") is None
    assert await reply("boss@one.test", RELAYCLIENT="") is None
    assert await reply("joe@shop.test") is None
    assert await reply("joe@far.test") is None
    assert await reply("") is None


async def test_logheader_notes_the_session_and_lets_nothing_into_the_header(runner, log):
    outcome = await runner.run(
        sample("logheader", Section.DATA),
        {
            "TCPREMOTEIP": "192.0.2.1",
            "SMTPHELOHOST": "x; auth=yes\r\nEvil: 1",
            "SMTPAUTHUSER": "alice@one.test",
        },
    )
    assert outcome.headers == ("X-Session: ip=192.0.2.1; host=unknown; helo=x__auth=yes__Evil:_1; auth=yes",)
    assert "alice@one.test" in outcome.notes[0]


def test_samples_are_executable_where_they_are_shipped():
    assert sorted(path.name for path in SAMPLES.iterdir() if path.is_file()) == [
        "ifauthskip",
        "logheader",
        "sendercheck",
    ]
    assert all(os.access(path, os.X_OK) for path in SAMPLES.iterdir() if path.is_file())
