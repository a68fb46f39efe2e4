"""The panel for an application server."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "heliosphere.panel.settings.runtime")
application = get_wsgi_application()
