"""The page of all mail server controls."""

from __future__ import annotations

from pathlib import Path

from heliosphere.cli.dev.controls_page import PAGE, controls_page, main
from heliosphere.contracts.controls import REGISTRY
from heliosphere.contracts.controls.registry import Control

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_in_the_docs_is_what_the_registry_says() -> None:
    wanted = controls_page(REGISTRY, REGISTRY.obsolete)
    assert (ROOT / PAGE).read_text() == wanted, "write it anew: heliosphere dev controls-page"


def test_a_control_is_described_with_all_that_is_declared() -> None:
    made = Control(
        "delay", "number", 5, "Seconds to wait.", ("smtpd",), stage="rcpt", at_most=60, in_panel=False,
        since="3.0", caution="Slow|er.", example="7", needs_restart=True,
    )  # fmt: skip
    page = controls_page([made], {"old": "gone"})
    assert (
        '| <a id="delay"></a>`delay` | number, 0 to 60 | `5` | no | Seconds to wait. **Slow\\|er.**'
        " Example: `7`. Since 3.0. *Restart.* |" in page
    )
    assert "## Recipient" in page
    assert "- `old`: gone" in page


def test_a_secret_shows_no_default() -> None:
    page = controls_page([Control("key", "text", "geheim", "A key.", ("send",), secret=True)], {})
    assert "geheim" not in page


def test_the_command_writes_the_page(tmp_path: Path) -> None:
    (tmp_path / PAGE.parent).mkdir(parents=True)
    assert main(["--checkout", str(tmp_path)]) == 0
    assert "badmailfrom" in (tmp_path / PAGE).read_text()
