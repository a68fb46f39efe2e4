"""heliosphere panel manage load_empty: no plans yet. Prints the first login as JSON, once."""

from heliosphere.panel.hosting.management.commands import load_demo


class Command(load_demo.Command):
    help = "Set up the provider, an administrator and the servers of this machine; nothing else."
    demo = False
