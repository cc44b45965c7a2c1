"""The endpoint of a service, and when botocore has to resolve it."""

import sys

import pytest
from botocore.exceptions import ParamValidationError

from django_offload.aws import clients
from django_offload.aws.lean import Client
from django_offload.aws.lean.endpoint import endpoint_of
from django_offload.exceptions import NotConfigured


def where(service="sqs"):
    endpoint = endpoint_of(service)
    return endpoint and (endpoint.address.url, endpoint.region)


@pytest.fixture
def unasked(monkeypatch):
    """Make every import of boto3 fail."""
    monkeypatch.setitem(sys.modules, "boto3", None)


@pytest.mark.usefixtures("unasked")
def test_the_endpoint_follows_from_the_environment_and_awss_rule(monkeypatch):
    assert where("dynamodb") == ("https://dynamodb.eu-west-1.amazonaws.com", "eu-west-1")

    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", "http://[::1]:3001/")
    assert where("sqs") == ("http://127.0.0.1:4566", "eu-west-1")
    assert endpoint_of("sqs").address.host_header == "127.0.0.1:4566"
    assert endpoint_of("lambda").address.host_header == "[::1]:3001"
    assert where("lambda") == ("http://[::1]:3001/", "eu-west-1")

    # The name that boto3 uses.
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:3002")
    assert where("secretsmanager") == ("http://127.0.0.1:3002", "eu-west-1")


@pytest.mark.usefixtures("unasked")
@pytest.mark.parametrize(
    "text",
    [
        "[default]\nregion = us-east-1\noutput = json\n",
        "[profile endpoint_url]\n",
        "# use_fips_endpoint = true",
    ],
)
def test_a_configuration_file_without_endpoint_settings_changes_nothing(monkeypatch, tmp_path, text):
    (tmp_path / "config").write_text(text)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))

    assert where() == ("https://sqs.eu-west-1.amazonaws.com", "eu-west-1")


@pytest.mark.parametrize(
    ("environment", "config", "url"),
    [
        (
            {"AWS_USE_FIPS_ENDPOINT": "true", "AWS_DEFAULT_REGION": "us-east-1"},
            "",
            "https://sqs-fips.us-east-1.",
        ),
        ({"AWS_USE_DUALSTACK_ENDPOINT": "true"}, "", "https://sqs.eu-west-1.api.aws"),
        ({"AWS_DEFAULT_REGION": "cn-north-1"}, "", "https://sqs.cn-north-1.amazonaws.com.cn"),
        ({"AWS_DEFAULT_REGION": "us-gov-west-1"}, "", "https://sqs.us-gov-west-1.amazonaws.com"),
        (
            {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true", "AWS_ENDPOINT_URL": "http://127.0.0.1:4566"},
            "",
            "https://sqs.eu-west-1.amazonaws.com",
        ),
        ({}, "[default]\nuse_dualstack_endpoint = true\n", "https://sqs.eu-west-1.api.aws"),
        ({}, "[default]\nendpoint_url = http://127.0.0.1:4567\n", "http://127.0.0.1:4567"),
        (
            {"AWS_DEFAULT_REGION": ""},
            "[default]\nregion = ap-south-1\n",
            "https://sqs.ap-south-1.amazonaws.com",
        ),
    ],
)
def test_botocore_resolves_the_endpoint_for_other_settings(monkeypatch, tmp_path, environment, config, url):
    (tmp_path / "config").write_text(config)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    for name, value in environment.items():
        if value:
            monkeypatch.setenv(name, value)
        else:
            monkeypatch.delenv(name)

    actual_url, region = where()

    assert actual_url.startswith(url)
    assert region == (environment.get("AWS_DEFAULT_REGION", "eu-west-1") or "ap-south-1")


@pytest.mark.parametrize(
    ("environment", "lean"),
    [
        ({"HTTPS_PROXY": "http://proxy.example:3128"}, False),
        ({"https_proxy": "http://proxy.example:3128", "no_proxy": ".amazonaws.com"}, True),
        ({"ALL_PROXY": "http://proxy.example:3128"}, False),
        ({"HTTP_PROXY": "http://proxy.example:3128"}, True),
        ({"AWS_ENDPOINT_URL": "https://gateway.example/aws/sqs"}, False),
        ({}, True),
    ],
)
def test_boto3_calls_endpoints_that_the_lean_client_cannot_reach(monkeypatch, environment, lean):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    client = clients.client("sqs", "lean")

    assert isinstance(client, Client) is lean
    assert (client is clients.client("sqs")) is not lean


def test_a_missing_region_is_an_error_with_a_hint(monkeypatch):
    monkeypatch.delenv("AWS_DEFAULT_REGION")

    with pytest.raises(NotConfigured) as caught:
        clients.client("sqs", "lean")

    assert str(caught.value) == (
        "AWS was not reached: no region is set. Set AWS_DEFAULT_REGION, or correct ~/.aws/config."
    )


def test_boto3_is_used_if_a_profile_names_a_bundle(monkeypatch, tmp_path):
    (tmp_path / "config").write_text("[default]\nca_bundle = /etc/ssl/ours.pem\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))

    assert endpoint_of("sqs") is None


class Serialized(Exception):
    """boto3 was about to send a call."""


@pytest.mark.parametrize(
    ("service", "call", "arguments", "raised"),
    [
        ("dynamodb", "update_item", {"TableName": "shop"}, Serialized),
        ("sqs", "send_message", {"QueueUrl": "https://q"}, Serialized),
        ("lambda", "invoke", {"FunctionName": "shop", "Qualifier": 7}, Serialized),
        ("s3", "get_object", {"Bucket": "shop", "Key": ""}, ParamValidationError),
    ],
)
def test_boto3_validates_arguments_except_on_the_hot_path(service, call, arguments, raised):
    def sent(**kwargs):
        raise Serialized

    client = clients.client(service)
    client.meta.events.register("before-call", sent)

    with pytest.raises(raised):
        getattr(client, call)(**arguments)


def test_boto3_calls_services_that_the_lean_client_does_not_know():
    assert clients.client("s3", "lean") is clients.client("s3")


def test_a_process_has_one_lean_client_per_service_until_it_is_reset():
    first = clients.client("sqs", "lean")
    assert clients.client("sqs", "lean") is first

    clients.reset_clients()

    assert clients.client("sqs", "lean") is not first
