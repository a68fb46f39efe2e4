"""The path is walked in the same browser as the page tests use."""

from tests.browser.conftest import assets, browser, page_for, picture

__all__ = ["assets", "browser", "page_for", "picture"]
