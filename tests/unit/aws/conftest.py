"""Credentials for every test, pauses that are not waited for, and a certificate."""

import shutil
import ssl
import subprocess
from types import SimpleNamespace

import pytest

from django_offload.aws import clients
from tests.unit.aws.botocores import ENVIRONMENT

CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
NAMED = ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
MAKE = ["req", "-x509", *CURVE, *NAMED]


@pytest.fixture(autouse=True)
def somebody(monkeypatch):
    """Set credentials and a region in the environment, and remove every other configuration of AWS."""
    import os

    for name in list(os.environ):
        if name.startswith(("AWS_", "REQUESTS_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere/config")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere/credentials")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    clients.reset_clients()
    yield
    clients.reset_clients()


@pytest.fixture
def pauses(monkeypatch):
    """Return the pauses between tries. They are not waited for, and are the longest that jitter allows."""
    seconds = []
    monkeypatch.setattr("django_offload.aws.lean.call.time.sleep", seconds.append)
    monkeypatch.setattr("django_offload.aws.lean.retry.random.random", lambda: 1.0)
    return seconds


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """Return a self-signed certificate for localhost, with its key."""
    folder, openssl = tmp_path_factory.mktemp("tls"), shutil.which("openssl")
    if openssl is None:
        pytest.fail("These tests make a certificate with openssl, which is not installed: install it.")
    key, pem = folder / "key.pem", folder / "certificate.pem"
    subprocess.run([openssl, *MAKE, "-keyout", key, "-out", pem], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key)
    return SimpleNamespace(context=context, path=str(pem))
