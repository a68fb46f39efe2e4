from django.apps import AppConfig


class MailConfig(AppConfig):
    name = "heliosphere.panel.mail"
    label = "mail"
