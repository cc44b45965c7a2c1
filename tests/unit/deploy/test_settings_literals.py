"""Credentials that are written in the code of the settings, and count."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from django_offload.deploy.secret_files import settings_places
from django_offload.stack.layout import Layout


def settings_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **modules: str) -> list[str]:
    """Return what is found in settings with these modules, of which `site_settings` is the first."""
    for name, code in modules.items():
        (tmp_path / f"{name}.py").write_text(code)
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    module = __import__("site_settings")
    place = Layout(root=tmp_path, source=tmp_path, settings_module="site_settings")
    held = SimpleNamespace(**vars(module), is_overridden=lambda name: True)
    found = settings_places(place, held)
    for name in modules:
        sys.modules.pop(name, None)
    return found


@pytest.mark.parametrize(
    ("code", "places"),
    [
        ("SECRET_KEY = 'a-key-of-the-shop'", ["SECRET_KEY"]),
        ("SECRET_KEY_FALLBACKS = ['an-older-key']", ["SECRET_KEY_FALLBACKS"]),
        ("import os\nSECRET_KEY = os.environ.get('GONE_KEY', 'a-key-of-the-shop')", ["SECRET_KEY"]),
        ("import os\nSECRET_KEY = os.environ.get('SHOP_KEY', 'for-development-only')", []),
        ("import os\nSECRET_KEY = os.environ['SHOP_KEY']", []),
        ("EMAIL_HOST_PASSWORD = 'pw-of-the-shop'", ["EMAIL_HOST_PASSWORD"]),
        ("DATABASES = {'default': {'PASSWORD': 'pw'}}", ["DATABASES['default']['PASSWORD']"]),
        ("CACHES = {'default': {'LOCATION': 'redis://:pw@cache/0'}}", ["CACHES['default']['LOCATION']"]),
        (
            "TASKS = {'default': {'OPTIONS': {'schedules': {'nightly': {'kwargs': {'api_key': 'pw'}}}}}}",
            ["TASKS['default']['OPTIONS']['schedules']['nightly']['kwargs']['api_key']"],
        ),
        ("from site_base import *", ["STRIPE_API_KEY"]),
        ("import site_base\nSTRIPE_API_KEY = site_base.STRIPE_API_KEY", ["STRIPE_API_KEY"]),
        ("PASSWORD_RESET_TIMEOUT = 3600\nCSRF_COOKIE_NAME = 'token'\nSECRET_KEY = ''", []),
    ],
)
def test_a_credential_in_the_code_of_the_settings_is_found_if_it_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, places: list[str]
) -> None:
    monkeypatch.setenv("SHOP_KEY", "from the environment")
    monkeypatch.delenv("GONE_KEY", raising=False)

    found = settings_of(
        tmp_path, monkeypatch, site_settings=code, site_base="STRIPE_API_KEY = 'sk-of-shop'\n"
    )

    assert found == places
