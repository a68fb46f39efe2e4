from django.apps import AppConfig


class LookConfig(AppConfig):
    name = "heliosphere.panel.look"
    label = "look"

    def ready(self) -> None:
        from heliosphere.panel.look import menu_map

        menu_map.register_all()
