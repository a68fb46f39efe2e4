"""What is declared of each control: help, cautions, examples, releases, relations."""

import pytest

from heliosphere.contracts.controls import REGISTRY
from heliosphere.contracts.controls.registry import read_value
from heliosphere.mta.rules.patterns import PatternList, matches


@pytest.mark.guide("MAIL-CTL-017", "MAIL-CTL-018")
def test_every_control_is_a_flag_a_number_or_text_of_a_line_or_a_list():
    assert {one.kind for one in REGISTRY} == {"flag", "number", "text", "lines"}


def guide(name, release, *ids):
    return pytest.param(name, release, marks=pytest.mark.guide(*ids), id=name)


@pytest.mark.parametrize(
    ("name", "release"),
    [
        guide("maxwrongrcpt", "hsphere-mail-service-4-14", "MAIL-CTL-052"),
        guide("qmailspp", "3.0 RC4", "MAIL-SPP-003"),
        guide("flagfailclosed", "3.0 RC4", "MAIL-RBL-014"),
        guide("flagrblbounce", "3.0 RC4", "MAIL-RBL-018"),
        guide("stricthelocheck", "3.0", "MAIL-CTL-127"),
        guide("chksignature", "3.0", "MAIL-CTL-131"),
        guide("chkloadertype", "3.0", "MAIL-CTL-135"),
        guide("catchall", "3.0 P5", "MAIL-CTL-169"),
        guide("rejectdiscardedmail", "3.0 P5", "MAIL-CTL-172"),
        guide("authsender", "3.0 P5", "MAIL-AUTH-005"),
        guide("tlsprotocols", "3.0 P2", "MAIL-TLS-001"),
        guide("sysfacility", "2.4.3 P1", "MAIL-LOG-011"),
        guide("skipcachk", "hsphere-mail-service-4-33", "MAIL-AV-062"),
        guide("xoriginatingip", "2.5.0 P7", "MAIL-HDR-001"),
    ],
)
def test_the_release_that_brought_a_control(name, release):
    assert REGISTRY.get(name).since == release


@pytest.mark.parametrize(
    ("name", "word"),
    [
        guide("stripsinglequotes", "surprise", "MAIL-CTL-058"),
        guide("relaymailfrom", "Strongly discouraged", "MAIL-CTL-095"),
        guide("quitasap", "For attacks and very heavy spam only", "MAIL-CTL-098"),
        guide("quitasap", "conflicts with correct SMTP", "MAIL-CTL-100"),
        guide("noathost", "others have to deal with them", "MAIL-CTL-159"),
        guide("noathost", "RFC 1123 (5.2.9)", "MAIL-CTL-160"),
        guide("spfbehavior", "Values above 3 are strongly discouraged", "MAIL-SPF-013"),
        guide("smtplog", "debugging only", "MAIL-LOG-019"),
        guide("sanetcheck", "network", "MAIL-AV-048"),
        guide("chkloadertype", "costs more", "MAIL-CTL-145"),
    ],
)
def test_what_an_operator_is_warned_of(name, word):
    assert word in REGISTRY.get(name).caution


@pytest.mark.guide("MAIL-CTL-069")
def test_related_controls_are_named_and_exist():
    names = {one.name for one in REGISTRY}
    assert REGISTRY.get("badmailpatterns").see == ("splithorizon",)
    for one in REGISTRY:
        assert set(one.see) <= names - {one.name}


@pytest.mark.guide("MAIL-CTL-070", "MAIL-CTL-073", "MAIL-CTL-085", "MAIL-CTL-089", "MAIL-RBL-002")
def test_every_example_can_be_used_as_it_stands():
    examples = [one for one in REGISTRY if one.example]
    assert {"badmailpatterns", "badmailfrom-unknown", "relayclients", "relaydomains", "rblhosts"} <= {
        one.name for one in examples
    }
    for one in examples:
        assert read_value(one, one.example + "\n")[1] == (), one.name


@pytest.mark.guide("MAIL-CTL-032")
def test_the_guides_own_pattern():
    for word in ("FAKE", "fake", "FaKe", "FAKe"):
        assert matches("[Ff][Aa][Kk][Ee]", word)
    assert not matches("[Ff][Aa][Kk][Ee]", "face")


@pytest.mark.guide("MAIL-LOG-018", "MAIL-CTL-148")
def test_what_no_panel_shows():
    for name in ("smtplog", "badsignatures", "badloadertypes", "smtpplugins"):
        assert not REGISTRY.get(name).in_panel


@pytest.mark.guide("MAIL-AV-053", "MAIL-AV-054", "MAIL-AV-056", "MAIL-AV-057")
def test_removed_controls_are_known_by_name_only():
    assert set(REGISTRY.obsolete) == {"badurls", "urlscnt"}
    assert REGISTRY.get("badurls") is None
    assert REGISTRY.get("urlscnt") is None


def test_a_pattern_list_excepts_with_an_exclamation_mark():
    entries = read_value(REGISTRY.get("badmailpatterns"), "*@bulk.test\n!news@bulk.test\n")[0]
    listed = PatternList(entries)
    assert listed.find("x@bulk.test").line == 1
    assert listed.find("news@bulk.test") is None
