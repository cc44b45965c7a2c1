"""The checks of OPTIONS["tenant"]."""

import pytest

from django_offload.compat import task_backends
from django_offload.conf.tenant_checks import check_tenants
from tests.contract.setup import tasks_setting

TASKS = "tests.contract.tenant_tasks"


@pytest.fixture
def found(settings):
    def check(tenant, aliases=("default", "other")):
        setting = tasks_setting(modules=[TASKS], tenant=tenant)
        settings.TASKS = {alias: setting[alias] for alias in aliases}
        return [(message.id.rpartition(".")[2], message.msg) for message in check_tenants()]

    return check


@pytest.mark.parametrize(
    "tenant", [None, "owner", *(f"{TASKS}.{name}" for name in ("tenant", "asked", "partly"))]
)
def test_a_function_the_owner_or_nothing_is_fine(found, tenant):
    assert found(tenant, ["default"]) == []


@pytest.mark.parametrize(
    ("tenant", "why"),
    [
        (f"{TASKS}.missing", "does not define"),
        ("missing.module.tenant", "No module named 'missing'"),
        (f"{TASKS}.ran", "it isn't a function"),
        (f"{TASKS}.Customer", "it isn't a function"),
        *((f"{TASKS}.{name}", "it is async") for name in ("coroutine", "asked_later", "partly_later")),
        (f"{TASKS}.awaited_generator", "it is async"),
        (f"{TASKS}.generator", "it is a generator"),
        (f"{TASKS}.of_request", "it is called without arguments, and missing a required argument: 'request'"),
    ],
)
def test_anything_else_is_an_error_that_says_why(found, tenant, why):
    ((check, text),) = found(tenant, ["default"])

    assert check == "E047"
    assert text.startswith(f"TASKS['default']: OPTIONS['tenant'] names '{tenant}', which can't be used: ")
    assert why in text


def test_a_backend_without_queues_is_warned_about(found):
    assert found("owner") == [
        (
            "W047",
            "TASKS['other'] has OPTIONS['tenant'], but LambdaBackend has no queue in which tenants could "
            "wait fairly.",
        )
    ]


@pytest.mark.parametrize("tenant", ["", "tenant", "a..b", 7, True, ["owner"], {}, object()], ids=repr)
def test_the_option_is_a_path_or_a_word(settings, tenant):
    settings.TASKS = tasks_setting(modules=[TASKS], tenant=tenant)

    messages = [message for message in task_backends["default"].check() if "tenant" in message.msg]

    assert [message.id for message in messages] == ["django_offload.E006"]
    assert messages[0].hint == "Give 'owner', a dotted path such as 'shop.tenants.current', or None."
