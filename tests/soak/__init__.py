"""Servers under load while a deploy replaces what they serve: `python -m tests.soak`."""
