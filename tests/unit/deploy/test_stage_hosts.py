"""The hosts of a stage are neither unknown to its site nor those of anybody."""

from typing import Any

import pytest

from django_offload.deploy import stage_checks
from django_offload.deploy.environment import PLACEHOLDER
from django_offload.deploy.hosts import accepts, site_hosts, too_wide


@pytest.mark.parametrize(
    ("hosts", "problem"),
    [
        ([], "ALLOWED_HOSTS is empty, so the site refuses every request."),
        (["*"], "ALLOWED_HOSTS has '*', so the site accepts requests for hosts of anybody."),
        (["shop.example", ".com"], "ALLOWED_HOSTS has '.com', so the site accepts requests for hosts of"),
        ([".amazonaws.com"], "ALLOWED_HOSTS has '.amazonaws.com', so the site accepts requests for hosts of"),
        (["shop.example"], None),
        ([".shop.example"], None),
        ([".localhost", ".shop.internal", ".internal"], None),
    ],
)
def test_hosts_of_anybody_and_no_hosts_are_a_warning(
    project: Any, settings: Any, hosts: list[str], problem: str | None
) -> None:
    project()
    settings.ALLOWED_HOSTS = hosts

    messages = stage_checks.check_hosts()

    assert [message.id for message in messages] == (["django_offload.W028"] if problem else [])
    assert not problem or messages[0].msg.startswith(problem)


@pytest.mark.parametrize("host", [PLACEHOLDER, f"www.{PLACEHOLDER}", "placeholder.invalid"])
def test_hosts_that_a_secret_store_has_are_not_judged(
    project: Any, settings: Any, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    """A deployment checks the settings with a placeholder for each secret."""
    project()
    monkeypatch.setenv("OFFLOAD_STAGE", "dev")
    settings.ALLOWED_HOSTS = [host]

    assert stage_checks.check_hosts() == []
    settings.ALLOWED_HOSTS = ["shop.example"]
    assert len(stage_checks.check_hosts()) == 1


def test_on_a_laptop_any_host_is_fine(project: Any, settings: Any) -> None:
    project()
    settings.DEBUG, settings.ALLOWED_HOSTS = True, ["*"]

    assert stage_checks.check_hosts() == []


FUNCTION_URL = {"apigateway_enabled": False, "function_url_enabled": True, "aws_region": "eu-north-1"}


@pytest.mark.parametrize(
    ("zappa", "hosts", "missing"),
    [
        ({"domain": "www.shop.example"}, ["shop.example"], "www.shop.example"),
        ({"domain": "www.shop.example"}, [".shop.example"], None),
        ({"domain": "WWW.shop.example"}, ["www.shop.example"], None),
        ({"domain": "*.shop.example"}, [".shop.example"], None),
        ({"function_url_domains": ["a.example", "b.example"]}, ["a.example"], "b.example"),
        (FUNCTION_URL, ["shop.example"], ".lambda-url.eu-north-1.on.aws"),
        (FUNCTION_URL, [".lambda-url.eu-central-1.on.aws"], ".lambda-url.eu-north-1.on.aws"),
        (FUNCTION_URL, [".lambda-url.eu-north-1.on.aws"], None),
        (FUNCTION_URL, ["abc123.lambda-url.eu-north-1.on.aws"], None),
        ({**FUNCTION_URL, "domain": "shop.example"}, ["shop.example"], None),
        ({"aws_region": "eu-north-1"}, ["shop.example"], ".execute-api.eu-north-1.amazonaws.com"),
        ({"aws_region": "eu-north-1"}, ["abc.execute-api.eu-north-1.amazonaws.com"], None),
        (
            {**FUNCTION_URL, "apigateway_enabled": True},
            ["abc.execute-api.eu-north-1.amazonaws.com"],
            None,
        ),
        ({"aws_region": "cn-north-1"}, ["abc.execute-api.cn-north-1.amazonaws.com.cn"], None),
        ({"function_url_domains": "a.example"}, ["a.example"], None),
        ({"function_url_domains": True, "domain": 7}, [".execute-api.us-east-1.amazonaws.com"], None),
    ],
)
@pytest.mark.parametrize("read", ["settings", "file"])
def test_a_site_that_does_not_know_its_own_host_is_a_warning(
    project: Any,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    zappa: dict[str, Any],
    hosts: list[str],
    missing: str | None,
    read: str,
) -> None:
    settings.ALLOWED_HOSTS = hosts if read == "settings" else ["elsewhere.example"]
    project({"dev": zappa}, dev={"environment": {"ALLOWED_HOSTS": ",".join(hosts)}} if read == "file" else {})
    if read == "settings":
        monkeypatch.setenv("OFFLOAD_STAGE", "dev")

    messages = stage_checks.check_hosts()

    where = "ALLOWED_HOSTS" if read == "settings" else "ALLOWED_HOSTS in infra/dev.json"
    assert [message.msg for message in messages] == (
        [f"{where} accepts no host of the stage 'dev', by zappa_settings.json: {missing}."] if missing else []
    )


@pytest.mark.parametrize(
    ("written", "missing"), [("www.shop.example", False), (".shop.example", False), ("shop.example", True)]
)
def test_hosts_that_the_settings_add_to_those_of_a_variable_count(
    project: Any, settings: Any, monkeypatch: pytest.MonkeyPatch, written: str, missing: bool
) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", "of-a-laptop.example")
    settings.ALLOWED_HOSTS = [written, "of-a-laptop.example"]
    project({"prod": {"domain": "www.shop.example"}}, prod={"environment": {"ALLOWED_HOSTS": "10.0.0.1"}})

    assert [message.id for message in stage_checks.check_hosts()] == ["django_offload.W028"] * missing


def test_the_hosts_of_this_processs_variables_are_not_those_of_another_stage(
    project: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", "www.shop.example")
    settings.ALLOWED_HOSTS = ["www.shop.example"]
    project({"prod": {"domain": "www.shop.example"}}, prod={"environment": {"ALLOWED_HOSTS": "10.0.0.1"}})

    (message,) = stage_checks.check_hosts()

    assert message.msg.startswith("ALLOWED_HOSTS in infra/prod.json accepts no host of the stage 'prod'")
    assert 'name it in zappa_settings.json: "domain"' in message.hint


def test_hosts_are_compared_as_django_does() -> None:
    assert too_wide(["shop.example", ".shop.example", "*", ".on.aws"]) == ["*", ".on.aws"]
    assert site_hosts({}, "us-east-1") == [".execute-api.us-east-1.amazonaws.com"]
    assert accepts(["*"], "shop.example")
    assert not accepts([], "shop.example")
