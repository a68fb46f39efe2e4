"""The controls of the content checks, from their files to what a message meets."""

import pytest

from heliosphere.contracts.controls import REGISTRY, line_checks
from heliosphere.mta.adapters.files.control_files import ControlFiles
from heliosphere.mta.adapters.filters.scanners import scanner_for
from heliosphere.mta.controls.content import content_lists, scan_policy
from heliosphere.mta.rules.content.decision import ScanPolicy
from heliosphere.mta.rules.content.signatures import (
    OPTIONAL_SIGNATURES,
    SHIPPED_LOADERS,
    SHIPPED_SIGNATURES,
    ContentFilter,
)
from tests.mta.content.samples import PROGRAM, attached
from tests.mta.support import Events

LIBRARY = attached(b"text" * 20 + b"Kernel32.dll")


def hit_in(files, message):
    """As a new session would find it."""
    controls = files.snapshot()
    policy = scan_policy(controls)
    found = ContentFilter(
        content_lists(controls), chksignature=policy.chksignature, chkloadertype=policy.chkloadertype
    )
    found.feed(message)
    return found.hit


@pytest.mark.guide("MAIL-CTL-130", "MAIL-CTL-134", "MAIL-AV-036", "MAIL-AV-038", "MAIL-AV-040", "MAIL-AV-042")
def test_without_files_everything_is_off(tmp_path):
    files = ControlFiles(tmp_path)
    assert scan_policy(files.snapshot()) == ScanPolicy(
        chksignature=False, chkloadertype=False, clamglobal=False, spamglobal=False, skipcachk=0, skipsachk=0,
        samsgsize=256_000, clamfailopen=False,
    )  # fmt: skip
    assert hit_in(files, attached(PROGRAM)) is None
    assert hit_in(files, LIBRARY) is None


@pytest.mark.guide("MAIL-CTL-129", "MAIL-CTL-133")
def test_both_filters_are_switched_on_in_the_options_file(tmp_path):
    files = ControlFiles(tmp_path)
    (tmp_path / "options").write_text("chksignature 1\n")
    assert hit_in(files, attached(PROGRAM)) is not None
    assert hit_in(files, LIBRARY) is None
    (tmp_path / "options").write_text("chkloadertype=1\n")
    assert hit_in(files, attached(PROGRAM)) is None
    assert hit_in(files, LIBRARY) is not None


@pytest.mark.guide("MAIL-CTL-139", "MAIL-CTL-149")
def test_lines_added_to_the_lists_count_for_the_next_session(tmp_path):
    files = ControlFiles(tmp_path)
    (tmp_path / "chksignature").write_text("1\n")
    (tmp_path / "chkloadertype").write_text("1\n")
    archive, letter = attached(b"PK\x03\x04\x14\x00\x09\x00\x08"), attached(b"letter to Bob")
    assert hit_in(files, archive) is None
    (tmp_path / "badsignatures").write_text("\n".join(SHIPPED_SIGNATURES) + "\n# archives\nUEsDBBQAC\n")
    (tmp_path / "badloadertypes").write_text("bGV0d\nbGV0d\nbGV0dGVy\n")
    assert hit_in(files, archive).entry == "UEsDBBQAC"
    assert hit_in(files, attached(PROGRAM)) is not None
    assert hit_in(files, letter).entry == "bGV0d"
    assert hit_in(files, LIBRARY) is None


def test_bad_values_count_as_the_table_of_bad_input_says(tmp_path):
    for name, value in {
        "skipcachk": "7",
        "skipsachk": "often",
        "samsgsize": "big",
        "clamglobal": "yes",
    }.items():
        (tmp_path / name).write_text(value)
    assert scan_policy(ControlFiles(tmp_path).snapshot()) == ScanPolicy(skipcachk=2)


def test_shipped_entries_are_good_ones():
    for entry in (*SHIPPED_SIGNATURES, *OPTIONAL_SIGNATURES):
        assert line_checks.signature(entry) is None
    for entry in SHIPPED_LOADERS:
        assert line_checks.loader(entry) is None


@pytest.mark.guide("MAIL-CTL-131", "MAIL-CTL-135", "MAIL-AV-062")
def test_the_catalogue_says_since_when():
    def since(name):
        control = REGISTRY.get(name)
        assert control is not None
        return control.since

    assert since("chksignature") == since("chkloadertype") == "3.0"
    assert since("skipcachk") == since("skipsachk") == "hsphere-mail-service-4-33"


@pytest.mark.guide("MAIL-AV-010")
def test_an_empty_socket_means_not_installed(tmp_path):
    files = ControlFiles(tmp_path)

    def parts():
        scanner = scanner_for(files.snapshot(), None, Events())
        return scanner.virus and scanner.virus.endpoint, scanner.spam and scanner.spam.endpoint

    assert parts() == ("127.0.0.1:3310", "127.0.0.1:783")
    (tmp_path / "clamdsocket").write_text("\n")
    (tmp_path / "spamdsocket").write_text("/run/spamd.sock\n")
    assert parts() == (None, "/run/spamd.sock")
