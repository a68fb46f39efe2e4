"""Counters of all processes: sessions, sessions of an address, failed sign-ins."""

import os

from heliosphere.mta.adapters.network.shared_counters import FailureTable, SessionTable, SharedPlaces


def test_sessions_of_all_workers_are_counted_together():
    table = SessionTable(2)
    first, second = table.row(0), table.row(1)
    first.begin("192.0.2.5")
    second.begin("192.0.2.5")
    second.begin("192.0.2.6")
    assert (table.of_address("192.0.2.5"), table.of_address("192.0.2.7")) == (2, 0)
    second.end("192.0.2.5")
    assert table.of_address("192.0.2.5") == 1


def test_what_a_killed_worker_counted_is_forgotten_when_it_starts_again():
    table = SessionTable(2)
    child = os.fork()
    if child == 0:
        row = table.row(1)
        row.begin("192.0.2.5")
        SharedPlaces(row, 10).take()
        os._exit(0)
    os.waitpid(child, 0)
    assert (table.total(), table.of_address("192.0.2.5")) == (1, 1)  # seen from here
    table.row(1)
    assert (table.total(), table.of_address("192.0.2.5")) == (0, 0)


def test_a_count_never_falls_below_nothing():
    table = SessionTable(1)
    row = table.row(0)
    row.end("192.0.2.5")
    assert (table.total(), table.of_address("192.0.2.5")) == (0, 0)


def test_places_are_shared_and_never_oversold():
    table = SessionTable(2)
    first, second = (SharedPlaces(table.row(number), 3) for number in range(2))
    assert [first.take(), second.take(), first.take(), second.take()] == [True, True, True, False]
    first.leave()
    assert second.take()
    assert table.total() == 3


def test_processes_at_once_never_oversell_places():
    table = SessionTable(4)
    reader, writer = os.pipe()
    children = []
    for number in range(4):
        child = os.fork()
        if child == 0:
            places = SharedPlaces(table.row(number), 50)
            os.write(writer, b"+" * sum(places.take() for _ in range(40)))
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    os.close(writer)
    assert len(os.read(reader, 1000)) == 50
    os.close(reader)


def test_failures_block_by_address_and_by_account_for_a_while():
    now = [1_000_000.0]
    table = FailureTable(lambda: now[0], lambda: 3)
    for number in range(3):
        assert not table.is_blocked("192.0.2.5", f"u{number}@one.test")
        table.failed("192.0.2.5", f"u{number}@one.test")
    assert table.is_blocked("192.0.2.5", "somebody@else.test")
    assert not table.is_blocked("192.0.2.6", "u0@one.test")
    for _ in range(2):
        table.failed("192.0.2.7", "U0@one.test")
    assert table.is_blocked("192.0.2.8", "u0@ONE.test")
    now[0] += 600
    assert not table.is_blocked("192.0.2.5", "u0@one.test")


def test_without_a_limit_nobody_is_blocked():
    table = FailureTable(lambda: 0.0, lambda: 0)
    for _ in range(50):
        table.failed("192.0.2.5", "a@one.test")
    assert not table.is_blocked("192.0.2.5", "a@one.test")
