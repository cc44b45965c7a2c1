"""Fixtures of every test."""

pytest_plugins = ["django_offload.pytest_plugin"]
