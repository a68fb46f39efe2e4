from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "heliosphere.panel.web"
    label = "web"
