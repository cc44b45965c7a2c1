"""The certificates that TLS trusts: AWS's roots first, then the system's, and never any certificate."""

import ssl
from types import SimpleNamespace

import pytest

from django_offload.aws.lean import certificates
from django_offload.exceptions import NoAnswer, NotConfigured
from tests.unit.aws.server import says, serving

GET = {"TableName": "shop-tasks", "Key": {"id": {"S": "x"}}}


@pytest.fixture(autouse=True)
def no_contexts():
    """Clear the cached contexts, because each test configures other certificates."""
    certificates.aws_context.cache_clear()
    certificates.system_context.cache_clear()
    yield
    certificates.aws_context.cache_clear()
    certificates.system_context.cache_clear()


def test_the_roots_are_those_of_amazon_trust_services():
    context = certificates.aws_context(None)

    names = {dict(part[0] for part in root["subject"])["commonName"] for root in context.get_ca_certs()}
    assert names == set(certificates.ROOTS)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_without_amazons_roots_the_systems_certificates_are_trusted(monkeypatch, tmp_path):
    monkeypatch.setattr(
        certificates, "find_spec", lambda name: SimpleNamespace(submodule_search_locations=[tmp_path])
    )
    assert certificates.aws_context(None) is certificates.system_context()

    (tmp_path / "cacert.pem").write_text('# Label: "Amazon Root CA 1"\nno certificate')
    assert certificates.amazon_roots() == []


def test_only_the_configured_bundle_is_trusted(certificate, monkeypatch):
    monkeypatch.setenv("AWS_CA_BUNDLE", certificate.path)

    with serving(says(b'{"Item": {}}'), tls=certificate.context) as (server, client):
        assert client.get_item(**GET) == {"Item": {}}
        assert client.get_item(**GET) == {}
        assert server.connections == 1


@pytest.mark.parametrize("text", [None, "no certificate"])
def test_an_unreadable_bundle_raises_an_error_that_names_it(certificate, monkeypatch, tmp_path, pauses, text):
    bundle = tmp_path / "ours.pem"
    if text:
        bundle.write_text(text)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))

    with serving(tls=certificate.context) as (server, client):
        with pytest.raises(NotConfigured) as caught:
            client.get_item(**GET)

        assert (server.connections, pauses) == (0, [])
    assert str(caught.value).startswith(f"AWS was not reached: the certificates of {bundle} cannot be read (")
    assert str(caught.value).endswith(
        "). Correct the environment variable that names this file (AWS_CA_BUNDLE or REQUESTS_CA_BUNDLE)."
    )


def test_another_host_is_trusted_if_the_system_trusts_it(certificate, monkeypatch):
    wide = ssl.create_default_context(cafile=certificate.path)
    monkeypatch.setattr("django_offload.aws.lean.pool.system_context", lambda: wide)

    with serving(tls=certificate.context) as (_, client):
        assert client.get_item(**GET) == {}
        client.close()
        assert client.get_item(**GET) == {}


def test_an_untrusted_host_receives_no_request(certificate, pauses):
    with serving(tls=certificate.context, tries=1) as (server, client):
        with pytest.raises(
            NoAnswer, match=r"The certificate is not trusted \(self.signed certificate\) at the endpoint URL"
        ):
            client.get_item(**GET)

        assert server.requests == []


def test_a_certificate_for_another_name_is_refused(certificate, monkeypatch, pauses):
    monkeypatch.setenv("AWS_CA_BUNDLE", certificate.path)
    with serving(tls=certificate.context, tries=1) as (server, client):
        server.url = server.url.replace("localhost", "127.0.0.1")
        object.__setattr__(client.address, "host", "127.0.0.1")

        with pytest.raises(NoAnswer, match="The certificate is not trusted"):
            client.get_item(**GET)
        assert server.requests == []
