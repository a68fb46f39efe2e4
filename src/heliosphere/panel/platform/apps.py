from django.apps import AppConfig


class PlatformConfig(AppConfig):
    name = "heliosphere.panel.platform"
    label = "platform"
