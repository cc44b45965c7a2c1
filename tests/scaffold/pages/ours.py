"""Run a page's site with our backend: ours.py PAGE."""

import importlib
import os
import sys

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
django.setup()

page = importlib.import_module(f"pages.{sys.argv[1]}")
offload = importlib.import_module("django_offload.testing").Offload()
with offload.active():
    page.use(offload.run)
print("used")
