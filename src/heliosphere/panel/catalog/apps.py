from importlib import import_module
from importlib.util import find_spec

from django.apps import AppConfig, apps


class CatalogConfig(AppConfig):
    name = "heliosphere.panel.catalog"
    label = "catalog"

    def ready(self) -> None:
        """Load every app's `resources` and `jobkinds` modules: that is where things are declared."""
        for app in apps.get_app_configs():
            if app.name.startswith("heliosphere.panel."):
                for part in ("resources", "jobkinds", "menu"):
                    if find_spec(f"{app.name}.{part}"):
                        import_module(f"{app.name}.{part}")
