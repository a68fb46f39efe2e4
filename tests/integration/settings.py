"""The panel as in tests, on the database that HELIOSPHERE_TEST_DATABASE names (an SQLite file too)."""

import os

from heliosphere.panel.settings.databases import database
from heliosphere.panel.settings.testing import *  # noqa: F403

DATABASES = {"default": database(os.environ["HELIOSPHERE_TEST_DATABASE"])}
