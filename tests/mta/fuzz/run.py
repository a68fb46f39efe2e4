"""Look for inputs that break a target, led by what code they reach (atheris on libFuzzer).

python -m tests.mta.fuzz.run [--seconds N] [--keep] TARGET… | all

Exit 0: nothing was found. An input that breaks a target is shown and left beside; put it into corpus/TARGET
under a name that says what was wrong, and mend the reader. --keep adds to the corpus what reached new code.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

LONGEST_INPUT = 2000
KEPT_AT_MOST = 10


def main() -> int:
    """Exit 1 when something was found."""
    import atheris

    with atheris.instrument_imports(include=["heliosphere.mta", "heliosphere.contracts.controls"]):
        from tests.mta.fuzz.targets import CORPUS, TARGETS

    options = _options(list(TARGETS))
    codes = []
    for name in TARGETS if options.targets == ["all"] else options.targets:
        target = TARGETS[name]
        with tempfile.TemporaryDirectory() as aside:
            arguments = _arguments(Path(aside), CORPUS / name, name, target.words, options.seconds)
            codes.append(_run(name, arguments, target.check, Path(aside) / "said"))
            if options.keep and not codes[-1]:
                _keep(Path(aside) / "found", CORPUS / name)
    return max(codes)


def _arguments(aside: Path, corpus: Path, name: str, words: tuple[bytes, ...], seconds: int) -> list[str]:
    found, dictionary = aside / "found", aside / "words"
    found.mkdir()
    dictionary.write_text("".join(f'"{_escaped(word)}"\n' for word in words))
    artifacts = Path(tempfile.gettempdir()) / f"heliosphere-fuzz-{name}-"
    return [
        str(found), str(corpus), f"-dict={dictionary}", f"-max_total_time={seconds}", "-timeout=10",
        f"-max_len={LONGEST_INPUT}", "-rss_limit_mb=2000", f"-artifact_prefix={artifacts}",
        "-print_final_stats=1",
    ]  # fmt: skip


def _run(name: str, arguments: list[str], check: Callable[[bytes], None], said: Path) -> int:
    """In a process of its own, which libFuzzer ends as it likes."""
    pid = os.fork()
    if pid == 0:
        _fuzz(arguments, check, said)
    _, status = os.waitpid(pid, 0)
    text = said.read_text("utf-8", "replace")
    tried = re.search(r"number_of_executed_units: (\d+)", text)
    if status or tried is None:
        print(f"{name}: broken\n{text[-6000:]}", flush=True)
        return 1
    print(f"{name}: {tried[1]} inputs tried, none breaks it", flush=True)
    return 0


def _fuzz(arguments: list[str], check: Callable[[bytes], None], said: Path) -> None:
    """Does not return."""
    import atheris

    descriptor = os.open(said, os.O_WRONLY | os.O_CREAT)
    for standard in (1, 2):
        os.dup2(descriptor, standard)
    atheris.Setup([sys.argv[0], *arguments], lambda data: check(bytes(data)))
    atheris.Fuzz()
    os._exit(0)


def _keep(found: Path, corpus: Path) -> None:
    """The shortest of what reached new code, as far as a person could read it."""
    new = sorted(found.iterdir(), key=lambda path: path.stat().st_size)
    readable = [path for path in new if path.read_bytes().decode("latin-1").isprintable()]
    for path in readable[:KEPT_AT_MOST]:
        (corpus / f"reached-{path.name[:12]}.txt").write_bytes(path.read_bytes())


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


def _options(names: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("targets", nargs="+", choices=[*names, "all"], metavar="TARGET")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--keep", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
