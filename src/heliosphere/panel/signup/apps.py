from django.apps import AppConfig


class SignupConfig(AppConfig):
    name = "heliosphere.panel.signup"
    label = "signup"
