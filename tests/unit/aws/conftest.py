"""Credentials for every test, pauses that are not waited for, and a certificate."""

import shutil
import ssl
import subprocess
from types import SimpleNamespace

import pytest

from django_offload.aws import clients
from tests.unit.aws.botocores import ENVIRONMENT
from tests.unit.aws.development import TASKS

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


@pytest.fixture
def session(running_session):
    return running_session


@pytest.fixture
def project(tmp_path, monkeypatch, settings):
    """A project in debug mode, whose environment names no AWS. The current folder is one of its folders."""
    import os

    for name in [name for name in os.environ if name.startswith(("AWS_", "OFFLOAD_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "REAL")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "real")
    (tmp_path / "shop").mkdir()
    monkeypatch.chdir(tmp_path)
    settings.TASKS = TASKS
    settings.DEBUG = True
    clients.reset_clients()
    yield tmp_path
    clients.reset_clients()
