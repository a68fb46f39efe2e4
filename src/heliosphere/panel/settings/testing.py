"""Settings of the tests and of the type checker: nothing outside the process, quick password hashes."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from heliosphere.panel.platform.config import PanelConfig
from heliosphere.panel.settings.base import *  # noqa: F403
from heliosphere.panel.settings.databases import database

_TEMPORARY = Path(tempfile.gettempdir())
HELIOSPHERE = PanelConfig(
    data_dir=_TEMPORARY,
    database=os.environ.get("HELIOSPHERE_TEST_DATABASE", "sqlite:///:memory:"),
    secret_key="only for tests",
    field_keys=("wV5bDvGRBm5VLrWZt4tGu7bvOMDN8Bf0ZkD9hHqrpZU=",),
    node_key=b"only for tests",
)
DEBUG = False
SECRET_KEY = HELIOSPHERE.secret_key
ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
DATABASES = {"default": database(HELIOSPHERE.database)}
if "sqlite3" in DATABASES["default"]["ENGINE"]:
    DATABASES["default"]["NAME"] = ":memory:"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
WHITENOISE_AUTOREFRESH = True
LOOK_GALLERY = True
