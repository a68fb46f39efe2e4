"""The jobs the platform itself declares."""

from heliosphere.panel.platform import notices as notices
