"""`INSTALLED_APPS = ["dualstatic.django", ...]`: for the checks of `manage.py check`."""

from __future__ import annotations

from django.apps import AppConfig


class DualstaticConfig(AppConfig):
    """The import of its package is what registers the checks."""

    name = "dualstatic.django"
    label = "dualstatic"
