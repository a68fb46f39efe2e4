"""A message on its way through all checks: with stand-ins for the scanners, then with the real ones."""

import pytest

from heliosphere.mta.adapters.files.filter_clients import FilterClients, set_client
from heliosphere.mta.adapters.filters.clamd import Clamd
from heliosphere.mta.adapters.filters.spamd import Spamd
from heliosphere.mta.rules.content.decision import Fate, ScanPolicy
from heliosphere.mta.rules.content.policy import SpamAction, SpamPolicy, VirusAction, VirusPolicy
from heliosphere.mta.rules.content.results import Clean, Infected, SpamScore, TooBig, Unavailable
from heliosphere.mta.rules.content.signatures import ContentFilter, filter_lists
from heliosphere.mta.rules.errors import TryLater
from heliosphere.mta.services.check_message import ContentSettings, for_client
from heliosphere.mta.services.scan import MAX_SPAM_SCANS, Scanner
from tests.mta.content import daemons
from tests.mta.content.samples import LETTER, PROGRAM, SPAM, VIRUS, at, attached
from tests.mta.support import Events, free_port

ANNA, BOB, CAROL = map(at, ("anna@one.test", "bob@one.test", "carol@two.test"))
SENDER = at("eve@far.test")
EICAR_FOUND = Infected("Eicar")
HIT = SpamScore(8.0, 5.0, True, ("A_RULE",))


class Lists:
    def __init__(self, virus=None, spam=None, trouble=None):
        self.virus, self.spam, self.trouble = virus or {}, spam or {}, trouble

    def virus_policy(self, recipient):
        if self.trouble == "virus":
            raise TryLater("broken-cdb", "clamavclients.cdb is damaged")
        return self.virus.get(recipient)

    def spam_policy(self, recipient):
        if self.trouble == "spam":
            raise OSError("spamdclients.cdb: input/output error")
        return self.spam.get(recipient)


class FakeClamd:
    def __init__(self, result):
        self.result, self.asked = result, 0

    async def scan(self, message):
        self.asked += 1
        return self.result


class FakeSpamd:
    def __init__(self, **by_user):
        self.by_user, self.asked = by_user, []

    async def check(self, message, user=""):
        self.asked.append(user)
        return self.by_user.get(user or "default", HIT)


class Desk:
    """A scanner with its stand-ins."""

    def __init__(self, virus=None, spam=None, trouble=None, result=EICAR_FOUND, **scores):
        self.clamd, self.spamd, self.events = FakeClamd(result), FakeSpamd(**scores), Events()
        self.scanner = Scanner(self.clamd, self.spamd, Lists(virus, spam, trouble), self.events)

    async def judge(self, *recipients, message=LETTER, client="none", hit=None, **controls):
        policy = ScanPolicy(**controls)
        return await self.scanner.judge([message], SENDER, recipients or (ANNA, BOB), client, policy, hit)


async def test_mail_for_nobody_enrolled_is_not_scanned():
    desk = Desk()
    outcome = await desk.judge()
    assert outcome.reply is None
    assert (desk.clamd.asked, desk.spamd.asked, desk.events.seen) == (0, [], [])
    (variant,) = outcome.variants()
    assert variant.recipients == (ANNA, BOB)
    assert variant.message(LETTER) is LETTER


async def test_a_message_is_scanned_once_however_many_recipients_it_has():
    desk = Desk(result=Clean())
    many = [at(f"user{n}@one.test") for n in range(50)]
    await desk.judge(*many, clamglobal=True, spamglobal=True)
    assert desk.clamd.asked == 1
    assert desk.spamd.asked == [""]


async def test_preferences_that_differ_are_asked_for_each_up_to_a_bound():
    people = {at(f"user{n}@one.test"): SpamPolicy(user=f"user{n % 9}") for n in range(30)}
    desk = Desk(spam=people, user0=SpamScore(1, 5, False), user1=SpamScore(9, 5, True))
    outcome = await desk.judge(*people)
    assert len(desk.spamd.asked) == MAX_SPAM_SCANS
    flags = {str(recipient): b"X-Spam-Flag" in fate.fields for recipient, fate in outcome.fates.items()}
    assert flags["user0@one.test"] is False
    assert flags["user1@one.test"] is True
    assert flags["user8@one.test"] is flags["user0@one.test"]  # past the bound: the first result


@pytest.mark.guide("MAIL-CTL-128")
async def test_an_attached_program_is_refused_where_a_recipient_has_antivirus():
    lists = filter_lists()
    seen = ContentFilter(lists, chksignature=True, chkloadertype=False)
    seen.feed(attached(PROGRAM))
    desk = Desk(virus={BOB: VirusPolicy()}, result=Clean())
    refused = await desk.judge(ANNA, BOB, hit=seen.hit)
    assert refused.refusal is not None
    assert refused.refusal.reply.line().startswith("554 5.3.2")
    assert refused.refusal.condition == "Bad_MIME"
    assert desk.clamd.asked == 0
    assert (await desk.judge(ANNA, hit=seen.hit)).reply is None
    assert (await desk.judge(BOB, hit=seen.hit, client="auth", skipcachk=1)).reply is None


async def test_a_refused_message_is_not_looked_at_for_spam():
    desk = Desk(virus={ANNA: VirusPolicy()}, spam={BOB: SpamPolicy()})
    outcome = await desk.judge()
    assert outcome.reply is not None
    assert desk.spamd.asked == []
    assert desk.events.seen == [
        ("scan.refused", {"condition": "Virus_Infected", "info": "Eicar", "sender": SENDER})
    ]


async def test_an_infected_message_goes_its_own_way_for_each_recipient():
    desk = Desk(
        virus={ANNA: VirusPolicy(VirusAction.REMOVE), BOB: VirusPolicy(VirusAction.QUARANTINE)},
        spam={ANNA: SpamPolicy(), BOB: SpamPolicy(), CAROL: SpamPolicy(SpamAction.MOVE)},
    )
    outcome = await desk.judge(ANNA, BOB, CAROL)
    assert outcome.reply is None
    assert outcome.dropped == (ANNA,)
    bob, carol = outcome.variants()
    assert (bob.recipients, bob.folder) == ((BOB,), ".Quarantine")
    assert bob.message(LETTER) == b"X-Virus-Status: Infected, Eicar\n" + LETTER
    assert (carol.recipients, carol.folder) == ((CAROL,), ".Spam")
    assert desk.events.names() == ["scan.removed", "scan.moved", "scan.moved"]


async def test_a_quarantined_copy_counts_as_wanted():
    desk = Desk(virus={ANNA: VirusPolicy(VirusAction.QUARANTINE)}, spam={BOB: SpamPolicy(SpamAction.REJECT)})
    outcome = await desk.judge(ANNA, BOB)
    assert outcome.reply is None
    assert {fate.folder for fate in outcome.fates.values()} == {".Quarantine", ".Spam"}


async def test_without_clamd_mail_is_deferred_and_the_reason_logged():
    desk = Desk(result=Unavailable("no connection"))
    outcome = await desk.judge(clamglobal=True)
    assert outcome.refusal is not None
    assert outcome.refusal.reply.line().startswith("451 4.3.0")
    assert desk.events.seen[0] == (
        "scan.unscanned", {"what": "clamd", "reason": "no connection", "sender": SENDER},
    )  # fmt: skip


async def test_without_clamd_mail_of_others_passes():
    desk = Desk(virus={ANNA: VirusPolicy()}, result=Unavailable("no connection"))
    assert (await desk.judge(BOB)).reply is None


@pytest.mark.parametrize(
    ("result", "controls"), [(Unavailable("gone"), {"clamfailopen": True}), (TooBig(), {})]
)
async def test_unscanned_mail_that_passes_says_so(result, controls):
    desk = Desk(result=result)
    outcome = await desk.judge(clamglobal=True, **controls)
    (variant,) = outcome.variants()
    assert variant.message(LETTER).startswith(b"X-Virus-Status: Unscanned")
    assert "scan.unscanned" in desk.events.names()


async def test_without_spamd_mail_passes_with_a_remark():
    desk = Desk(spam={ANNA: SpamPolicy(SpamAction.REJECT)}, default=Unavailable("no connection"))
    outcome = await desk.judge()
    anna, bob = outcome.variants()
    assert anna.message(LETTER) == b"X-Spam-Status: Unscanned, the scanner is away\n" + LETTER
    assert (anna.folder, bob.fields) == ("", b"")
    assert desk.events.names() == ["scan.unscanned"]


async def test_a_damaged_list_defers_for_viruses_and_passes_for_spam():
    for controls in ({}, {"clamfailopen": True}):
        outcome = await Desk(trouble="virus").judge(**controls)
        assert outcome.reply is not None
        assert outcome.reply.code == 451
    spam = Desk(trouble="spam")
    outcome = await spam.judge(spamglobal=True)
    assert outcome.reply is None
    assert spam.spamd.asked == []
    assert spam.events.names() == ["scan.unscanned"]


async def test_a_damaged_list_does_not_stop_clients_that_are_spared_anyway():
    assert (await Desk(trouble="virus").judge(client="auth", skipcachk=1)).reply is None


@pytest.mark.guide("MAIL-AV-061")
async def test_mail_above_samsgsize_is_not_handed_to_spamd():
    desk = Desk()
    await desk.judge(message=b"x" * 1000, spamglobal=True, samsgsize=1000)
    assert desk.spamd.asked == [""]
    outcome = await desk.judge(message=b"x" * 1001, spamglobal=True, samsgsize=1000)
    assert desk.spamd.asked == [""]
    assert {fate.fields for fate in outcome.fates.values()} == {b""}


async def test_lists_of_senders_need_no_scan():
    desk = Desk(spam={ANNA: SpamPolicy(white=("*@far.test",)), BOB: SpamPolicy(black=("eve@far.test",))})
    outcome = await desk.judge()
    assert desk.spamd.asked == []
    assert outcome.fates[ANNA].folder == ""
    assert outcome.fates[BOB].folder == ".Spam"


@pytest.mark.guide("MAIL-AV-010")
@pytest.mark.parametrize(
    ("has_clamd", "has_spamd"), [(True, False), (False, True), (True, True), (False, False)]
)
async def test_it_works_with_clamd_with_spamd_with_both_and_with_none(has_clamd, has_spamd):
    clamd, spamd = FakeClamd(Clean()), FakeSpamd()
    scanner = Scanner(clamd if has_clamd else None, spamd if has_spamd else None, Lists(), Events())
    policy = ScanPolicy(clamglobal=True, spamglobal=True)
    outcome = await scanner.judge([LETTER], SENDER, [ANNA], "none", policy)
    assert outcome.reply is None
    assert clamd.asked == int(has_clamd)
    assert (b"X-Spam-Flag" in outcome.fates[ANNA].fields) is has_spamd


async def test_recipients_with_the_same_fate_share_one_message():
    tagged = SpamPolicy(subject="[SPAM]")
    desk = Desk(spam={ANNA: tagged, BOB: tagged})
    both, carol = (await desk.judge(ANNA, BOB, CAROL)).variants()
    assert both.recipients == (ANNA, BOB)
    assert b"\nSubject: [SPAM] hello\n" in both.message(LETTER)
    assert (carol.recipients, carol.message(LETTER)) == ((CAROL,), LETTER)


# With the real ones


@pytest.fixture
def control(tmp_path):
    return tmp_path


@pytest.fixture
def real(clamd, spamd, control):
    return Scanner(Clamd(clamd.endpoint), Spamd(spamd.endpoint), FilterClients(control), Events())


async def judge(scanner, message, *recipients, client="none", **controls):
    return await scanner.judge([message], SENDER, recipients, client, ScanPolicy(**controls))


@pytest.mark.integration
@pytest.mark.guide("MAIL-AV-001", "MAIL-AV-003", "MAIL-AV-004")
async def test_a_virus_for_an_enrolled_recipient_is_found(real, control, monkeypatch):
    monkeypatch.setenv("QMAILQUEUE", "/nowhere/scanner")
    set_client(control, "clamavclients", str(ANNA), VirusPolicy())
    refused = await judge(real, VIRUS, ANNA, BOB)
    assert refused.refusal is not None
    assert refused.refusal.reply.line().startswith("554 5.3.2")
    assert "EICAR" in refused.refusal.reply.text
    assert (await judge(real, VIRUS, BOB)).reply is None
    assert (await judge(real, LETTER, ANNA)).reply is None

    set_client(control, "clamavclients", str(ANNA), VirusPolicy(VirusAction.REMOVE))
    taken = await judge(real, VIRUS, ANNA, BOB)
    assert taken.reply is None
    assert taken.dropped == (ANNA,)
    assert taken.fates[BOB] == Fate()


@pytest.mark.integration
@pytest.mark.guide("MAIL-AV-001", "MAIL-AV-005")
async def test_spam_for_an_enrolled_recipient_is_found(real, control):
    set_client(control, "spamdclients", str(ANNA), SpamPolicy(SpamAction.MOVE))
    outcome = await judge(real, SPAM, ANNA, BOB)
    anna, bob = outcome.variants()
    assert (anna.recipients, anna.folder) == ((ANNA,), ".Spam")
    assert b"tests=GTUBE" in b"".join(anna.message(SPAM).split()).replace(b"\t", b"")
    assert b"X-Spam-Flag: YES\n" in anna.message(SPAM)
    assert (bob.recipients, bob.message(SPAM)) == ((BOB,), SPAM)

    set_client(control, "spamdclients", str(ANNA), SpamPolicy(SpamAction.REJECT))
    assert (await judge(real, SPAM, ANNA, BOB)).reply is None
    refused = await judge(real, SPAM, ANNA)
    assert refused.refusal is not None
    assert refused.refusal.condition == "Spam_Message"


@pytest.mark.integration
@pytest.mark.guide("MAIL-AV-008")
@pytest.mark.parametrize("lacking", ["clamd", "spamd"])
async def test_each_goes_on_without_the_other(tmp_path, lacking):
    nobody = f"127.0.0.1:{free_port()}"
    start = daemons.spamd if lacking == "clamd" else daemons.clamd
    with start(tmp_path / "home") as daemon:
        clamd, spamd = Clamd(daemon.endpoint), Spamd(daemon.endpoint)
        if lacking == "clamd":
            clamd = Clamd(nobody)
        else:
            spamd = Spamd(nobody)
        scanner = Scanner(clamd, spamd, FilterClients(tmp_path), Events())
        both = {"clamglobal": True, "spamglobal": True}
        if lacking == "clamd":
            assert (await judge(scanner, SPAM, ANNA, **both)).reply is not None  # 451
            outcome = await judge(scanner, SPAM, ANNA, clamfailopen=True, **both)
            assert b"X-Spam-Flag: YES" in outcome.fates[ANNA].fields
        else:
            assert (await judge(scanner, VIRUS, ANNA, **both)).reply is not None
            outcome = await judge(scanner, LETTER, ANNA, **both)
            assert outcome.reply is None
            assert b"Unscanned" in outcome.fates[ANNA].fields


def test_variables_of_tcp_smtp_win_over_the_controls_that_skip_scans():
    settings = ContentSettings(ScanPolicy(), None, False, 0, None, False)
    assert for_client(settings, {}) is settings
    assert for_client(settings, {"SKIPSACHK": "2"}).scan == ScanPolicy(skipsachk=2)
    assert for_client(settings, {"SKIPCACHK": "7", "SKIPSACHK": "x"}).scan == ScanPolicy(skipcachk=2)
