"""Run a function in a process of its own that has the panel loaded, and may be killed.

A fork server loads Django once; its children start in a few hundredths of a second.
"""

from __future__ import annotations

import multiprocessing
import os
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import django
from django.apps import apps

PLACEHOLDER = "sqlite:////nonexistent/none.sqlite3"

if not apps.ready:  # in the fork server; in pytest Django is there already
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.integration.settings"
    os.environ["HELIOSPHERE_TEST_DATABASE"] = PLACEHOLDER
    django.setup()

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.integration.work"])


class ChildFailed(AssertionError):
    """The function raised; the text is its traceback."""


class Child:
    """A started function. `address` is the database it works on."""

    def __init__(self, address: str, act: Callable[..., Any], *words: Any) -> None:
        self._answer, theirs = _context.Pipe(duplex=False)
        self._process = _context.Process(target=_run, args=(theirs, address, act, words))
        self._process.start()
        theirs.close()

    def result(self, seconds: float = 60) -> Any:
        """What it returned; None when it was killed. Raises ChildFailed for what it raised."""
        try:
            if not self._answer.poll(seconds):
                raise ChildFailed(f"no answer within {seconds} s")
            good, value = self._answer.recv()
        except EOFError:
            good, value = True, None
        finally:
            self.end(5)
        if not good:
            raise ChildFailed(value)
        return value

    def signal(self, number: int) -> None:
        assert self._process.pid is not None
        os.kill(self._process.pid, number)

    @property
    def was_killed(self) -> bool:
        return (self._process.exitcode or 0) < 0

    def end(self, patience: float = 0) -> None:
        self._process.join(patience)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def call(address: str, act: Callable[..., Any], *words: Any, seconds: float = 60) -> Any:
    """`act(*words)` in a child on that database; what it returned."""
    return Child(address, act, *words).result(seconds)


def _run(answer: Connection, address: str, act: Callable[..., Any], words: tuple[Any, ...]) -> None:
    from django.db import connections

    from heliosphere.panel.settings.databases import database

    if any(connections.all(initialized_only=True)):
        del connections["default"]
    connections.settings = connections.configure_settings({"default": database(address)})
    try:
        answer.send((True, act(*words)))
    except BaseException:
        answer.send((False, traceback.format_exc()))
    finally:
        connections.close_all()
