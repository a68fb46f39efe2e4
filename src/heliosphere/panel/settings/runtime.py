"""Settings of a running house: all that differs comes from the file named by HELIOSPHERE_CONFIG."""

from __future__ import annotations

import os
from pathlib import Path

from heliosphere.panel.platform import config as _config
from heliosphere.panel.settings.base import *  # noqa: F403
from heliosphere.panel.settings.databases import database

_file = os.environ.get("HELIOSPHERE_CONFIG")
if not _file:
    raise _config.ConfigError("HELIOSPHERE_CONFIG is not set: it names the panel.json that ./run writes.")

HELIOSPHERE = _config.load(Path(_file))
DEBUG = False
SECRET_KEY = HELIOSPHERE.secret_key
ALLOWED_HOSTS = list(HELIOSPHERE.allowed_hosts)
CSRF_TRUSTED_ORIGINS = [HELIOSPHERE.panel_url]
DATABASES = {"default": database(HELIOSPHERE.database)}
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HELIOSPHERE.panel_url.startswith("https:")
if HELIOSPHERE.smtp_host:
    EMAIL_HOST, EMAIL_PORT = HELIOSPHERE.smtp_host, HELIOSPHERE.smtp_port
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = HELIOSPHERE.data_dir / "panel" / "outbox"
MEDIA_ROOT = HELIOSPHERE.data_dir / "panel" / "media"
CONTENT_SECURITY_POLICY["DIRECTIVES"]["form-action"] += [HELIOSPHERE.gateway_url]  # noqa: F405
