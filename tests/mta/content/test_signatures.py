"""Attachment filters: what they find, whatever the structure and the size of the pieces."""

import base64
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliosphere.contracts.controls import REGISTRY
from heliosphere.mta.rules.content import signatures
from heliosphere.mta.rules.content.signatures import ContentFilter, Hit, filter_lists, parse_signatures
from tests.mta.content.samples import HEADER, LETTER, PROGRAM, attached

SHIPPED = filter_lists()
LIBRARY = b"import table: Kernel32.dll"


def hit_in(message, lists=SHIPPED, size=65536, signature=True, loader=True):
    found = ContentFilter(lists, chksignature=signature, chkloadertype=loader)
    for at in range(0, len(message), size):
        found.feed(message[at : at + size])
    return found.hit


@pytest.mark.guide("MAIL-CTL-140", "MAIL-CTL-141")
def test_an_attached_windows_program_is_found_by_its_first_bytes():
    assert hit_in(attached(PROGRAM)) == Hit("chksignature", "TVqQAAMAA")
    assert hit_in(LETTER) is None
    assert hit_in(attached(b"%PDF-1.7 nothing to run here")) is None


@pytest.mark.guide("MAIL-CTL-142")
def test_a_twice_encoded_program_is_found():
    assert hit_in(attached(PROGRAM, times=2)) == Hit("chksignature", "VFZxUUFBT")


@pytest.mark.guide("MAIL-CTL-143")
def test_a_three_times_encoded_program_is_found():
    assert hit_in(attached(PROGRAM, times=3)) == Hit("chksignature", "VkZaeFVVR")


@pytest.mark.parametrize("shipped", signatures.SINGLE_ENCODED)
@pytest.mark.parametrize("times", [1, 2, 3])
def test_every_shipped_way_to_begin_is_known_in_all_three_encodings(shipped, times):
    # Nine characters stand for six whole bytes and a part of the seventh.
    program = base64.b64decode(shipped + "AAA")[:7] + b"rest of the program" * 9
    assert hit_in(attached(program, times=times)) is not None


def in_one_part(newline=b"\n"):
    body = base64.encodebytes(PROGRAM).replace(b"\n", newline)
    return HEADER.replace(b"\n", newline) + b"Content-Transfer-Encoding: base64" + newline * 2 + body


def nested():
    return (
        HEADER
        + b"Content-Type: multipart/mixed; boundary=outer\n\n--outer\n"
        + attached(PROGRAM)
        + b"--outer--\n"
    )


def enclosed():
    return HEADER + b"Content-Type: message/rfc822\n\n" + attached(PROGRAM)


STRUCTURES = {
    "single part": in_one_part(),
    "line ends as on the wire": attached(PROGRAM, newline=b"\r\n"),
    "single part on the wire": in_one_part(b"\r\n"),
    "multipart in multipart": nested(),
    "message in message": enclosed(),
    "folded field": attached(PROGRAM, head=b"Content-Transfer-Encoding:\n   base64"),
    "folded twice on the wire": attached(
        PROGRAM, newline=b"\r\n", head=b"Content-Transfer-Encoding:\r\n\t\r\n base64"
    ),
    "other letter case": attached(PROGRAM, head=b"CONTENT-transfer-ENCODING: BaSe64"),
    "comment": attached(PROGRAM, head=b"Content-Transfer-Encoding: (what) base64 (ever)"),
    "quoted": attached(PROGRAM, head=b'Content-Transfer-Encoding: "base64"'),
    "blank before the colon": attached(PROGRAM, head=b"Content-Transfer-Encoding : base64"),
    "fields behind it": attached(PROGRAM, head=b"Content-Transfer-Encoding: base64\nX-More: yes\n no"),
    "blank lines ahead": attached(PROGRAM, head=b"Content-Transfer-Encoding: base64\n\n\n"),
    "boundary never announced": attached(PROGRAM).replace(b'boundary="frontier"', b"boundary=other"),
    "boundary never closed": attached(PROGRAM).replace(b"--frontier--\n", b""),
    "short first lines": attached(PROGRAM).replace(b"TVqQAAMA", b"TVqQ\nAAMA"),
    "blanks that decoders skip": attached(PROGRAM).replace(b"TVqQAAMA", b" TV qQ\tAAMA"),
    "after a harmless part": attached(b"harmless, but base64 too").replace(b"--frontier--\n", b"")
    + attached(PROGRAM),
}


@pytest.mark.guide("MAIL-CTL-138")
@pytest.mark.parametrize("message", STRUCTURES.values(), ids=STRUCTURES)
def test_the_program_is_found_in_every_structure(message):
    assert hit_in(message) == Hit("chksignature", "TVqQAAMAA")


@pytest.mark.parametrize(
    "head",
    [b"Content-Transfer-Encoding: 7bit", b"Content-Transfer-Encoding: x-base64", b"X-Encoding: base64",
     b"Content-Transfer-Encoding: base64x", b"Content-Transfer-EncodingX: base64"],
)  # fmt: skip
def test_only_base64_parts_are_looked_at(head):
    assert hit_in(attached(PROGRAM, head=head)) is None


def test_only_the_beginning_of_a_part_counts():
    later = base64.encodebytes(b"x" * 57 + PROGRAM)
    assert b"\nTVqQAAMAA" in later
    assert hit_in(HEADER + b"Content-Transfer-Encoding: base64\n\n" + later, loader=False) is None


def test_upper_and_lower_case_are_different_letters():
    assert hit_in(attached(PROGRAM), filter_lists(["tvqqaamaa"], [])) is None


@pytest.mark.guide("MAIL-CTL-144", "MAIL-CTL-146", "MAIL-CTL-147")
@pytest.mark.parametrize("shift", [0, 1, 2])
def test_the_library_name_is_found_wherever_it_begins(shift):
    hit = hit_in(attached(b"MZ plain" + b"-" * 40 + b"x" * shift + LIBRARY))
    assert hit is not None
    assert hit.control == "chkloadertype"
    assert hit.entry in signatures.SHIPPED_LOADERS


@pytest.mark.guide("MAIL-CTL-147")
@pytest.mark.parametrize("entry", signatures.SHIPPED_LOADERS)
def test_every_shipped_loader_is_used(entry):
    text = b"ABCDEFGHIJ" + entry.encode() + b"KLMNO"
    message = HEADER + b"Content-Transfer-Encoding: base64\n\n" + text + b"\n"
    assert hit_in(message) == Hit("chkloadertype", entry)


def test_a_loader_is_found_across_the_end_of_a_line():
    for fill in range(40, 64):
        assert hit_in(attached(b"x" * fill + LIBRARY)) is not None, fill


def test_a_filter_that_is_off_finds_nothing():
    assert hit_in(attached(PROGRAM), signature=False) is None
    assert hit_in(attached(LIBRARY), loader=False) is None


def test_absent_lists_mean_the_shipped_ones_and_empty_lists_none():
    assert hit_in(attached(PROGRAM), filter_lists(None, None)) is not None
    assert hit_in(attached(PROGRAM + LIBRARY), filter_lists([], [])) is None


def test_a_long_list_of_loaders_is_searched_too():
    entries = [f"M{number:04}" for number in range(5000)]
    message = (
        HEADER + b"Content-Transfer-Encoding: base64\n\n" + b"A" * 500 + b"M4321" + b"A" * 90 + b"M1234\n"
    )
    for size in (1, 7, 65536):
        assert hit_in(message, filter_lists([], entries), size) == Hit("chkloadertype", "M4321")


@pytest.mark.guide("MAIL-CTL-148")
def test_the_lists_are_no_fields_of_the_panel():
    for name in ("badsignatures", "badloadertypes"):
        control = REGISTRY.get(name)
        assert control is not None
        assert not control.in_panel


# Lists


def test_bad_entries_are_reported_and_left_out():
    found, problems = parse_signatures(
        ["# programs", "TVqQAAMAA", "", "TVqQAAM", "TVq-AAMAA", "UEsDBAkAAxyz"]
    )
    assert found == {b"TVqQAAMAA", b"UEsDBAkAA"}
    assert [(one.line, one.entry) for one in problems] == [(4, "TVqQAAM"), (5, "TVq-AAMAA")]


def test_problems_name_their_control():
    lists = filter_lists(["short"], ["MzI"])
    assert [(control, one.entry) for control, one in lists.problems] == [
        ("badsignatures", "short"), ("badloadertypes", "MzI"),
    ]  # fmt: skip


@given(st.lists(st.text(max_size=14)))
def test_any_list_can_be_parsed_and_what_is_kept_can_match(lines):
    found, problems = parse_signatures(lines)
    assert all(re.fullmatch(rb"[A-Za-z0-9+/=]{9}", one) for one in found)
    assert all(lines[one.line - 1].startswith(one.entry) for one in problems)


# Pieces


FRAGMENTS = st.sampled_from(
    [b"Content-Transfer-Encoding: base64", b"Content-Transfer-Encoding:", b" base64", b"\tbase64", b"\n",
     b"\r\n", b"\n\n", b"\r\n\r\n", b"--frontier", b"--", b"-", b"TVqQAAMAA", b"TVqQ", b"AAMAA", b"MzIuZ",
     b"MzI", b"uZ", b"Content-Transfer-Encoding: 7bit", b"Subject: x", b"some text", b" ", b"A" * 80,
     b"content-TRANSFER-"]
)  # fmt: skip
MESSAGES = st.lists(FRAGMENTS, max_size=40).map(b"".join) | st.binary(max_size=200)


@given(MESSAGES, st.data())
def test_every_split_finds_the_same(message, data):
    whole = hit_in(message)
    assert hit_in(message, size=1) == whole
    found = ContentFilter(SHIPPED, chksignature=True, chkloadertype=True)
    rest = message
    while rest:
        cut = data.draw(st.integers(1, len(rest)))
        found.feed(rest[:cut])
        rest = rest[cut:]
    assert found.hit == whole


@pytest.mark.parametrize("size", [1, 2, 3, 64, 4097])
def test_known_messages_give_the_same_in_small_pieces(size):
    for message in [*STRUCTURES.values(), attached(LIBRARY), LETTER]:
        assert hit_in(message, size=size) == hit_in(message)


def plainly(message):
    """The same rules, written line by line without regard to speed."""
    state, start, hit = "seek", "", None
    lines = message.replace(b"\r\n", b"\n").decode("latin-1").split("\n")
    at = 0
    letters = ""
    while at < len(lines) and hit is None:
        line = lines[at]
        if state == "body" and not line.startswith("--"):
            letters += "".join(char for char in line if char.isascii() and (char.isalnum() or char in "+/="))
            start = letters[:9]
            if len(letters) >= 9 and start.encode() in SHIPPED.signatures:
                hit = Hit("chksignature", start)
            elif len(letters) >= 9 and (found := re.search("MzIuZ|MyLmR|MyLkR|Mi5kb", letters)):
                hit = Hit("chkloadertype", found[0])
            at += 1
            continue
        if state == "body":
            state = "seek"
        if state == "header" and line == "":
            state, letters = "body", ""
        elif state == "seek":
            field = line
            while at + 1 < len(lines) and lines[at + 1][:1] in (" ", "\t") and lines[at + 1]:
                at += 1
                field += " " + lines[at]
            if re.match(r"(?i)content-transfer-encoding\s*:\s*base64(?![-\w])", field) and at + 1 < len(
                lines
            ):
                state = "header"
        at += 1
    return hit


@given(st.lists(FRAGMENTS.filter(lambda one: b"\r" not in one), max_size=40).map(b"".join))
def test_it_agrees_with_a_plain_reading(message):
    # The plain reading sees the end of the message, the filter waits for the next line of a field.
    message = message + b"\nEnd\n"
    assert hit_in(message) == plainly(message)


@pytest.mark.guide("MAIL-CTL-136")
def test_a_large_attachment_passes_faster_than_any_wire():
    body = base64.encodebytes(bytes(3_000_000))
    message = HEADER + b"Content-Transfer-Encoding: base64\n\n" + body
    best = min(timed(message) for _ in range(3))
    assert best < len(message) / 20_000_000  # 160 Mbit/s; hundreds of megabytes a second are usual


def timed(message):
    begun = time.perf_counter()
    assert hit_in(message) is None
    return time.perf_counter() - begun


@pytest.mark.guide("MAIL-CTL-145")
def test_the_loader_filter_does_more_work_and_its_explanation_says_so():
    control = REGISTRY.get("chkloadertype")
    assert control is not None
    assert "costs more than chksignature" in control.caution
