from django.apps import AppConfig


class ServersConfig(AppConfig):
    name = "heliosphere.panel.servers"
    label = "servers"
