"""Old versions of functions are deleted, except those that are still in use."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from django_offload.deploy.release import deployed_stack
from django_offload.deploy.release.old_versions import prune


class Lambda:
    """A function with some versions, and an alias of one of them."""

    def __init__(self, *versions: int, live: int, canary: int | None = None) -> None:
        self.versions, self.live, self.canary = [str(version) for version in versions], live, canary
        self.refuses = False

    def client(self, service: str) -> "Lambda":
        return self

    def get_paginator(self, name: str) -> "Pages":
        return Pages(self, name)

    def delete_function(self, *, FunctionName: str, Qualifier: str) -> None:
        if self.refuses:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "Not you"}}, "DeleteFunction")
        self.versions.remove(Qualifier)


class Pages:
    def __init__(self, function: Lambda, name: str) -> None:
        self.function, self.name = function, name

    def paginate(self, *, FunctionName: str) -> list[dict[str, Any]]:
        if self.name == "list_aliases":
            weights = {} if self.function.canary is None else {str(self.function.canary): 0.1}
            routed = {"RoutingConfig": {"AdditionalVersionWeights": weights}} if weights else {}
            return [{"Aliases": [{"FunctionVersion": str(self.function.live), **routed}]}]
        first, *rest = ["$LATEST", *self.function.versions]
        return [{"Versions": [{"Version": first}]}, {"Versions": [{"Version": version} for version in rest]}]


@pytest.fixture(autouse=True)
def stack(monkeypatch: pytest.MonkeyPatch) -> None:
    function = {"ResourceType": "AWS::Lambda::Function", "PhysicalResourceId": "shop-dev-default-worker"}
    queue = {"ResourceType": "AWS::SQS::Queue", "PhysicalResourceId": "shop-dev-default"}
    monkeypatch.setattr(deployed_stack, "stack_resources", lambda aws, stack: [function, queue])


def pruned(function: Lambda) -> list[str]:
    announced: list[str] = []
    prune(function, "shop-dev", announced.append)  # type: ignore[arg-type]
    return announced


def test_prune_keeps_the_versions_with_the_highest_numbers() -> None:
    function = Lambda(8, 9, 10, 11, 12, live=12)

    assert pruned(function) == ["  old versions deleted: 2"]
    assert function.versions == ["10", "11", "12"]


def test_prune_keeps_the_versions_of_an_alias() -> None:
    function = Lambda(1, 2, 3, 4, 5, 6, live=2, canary=3)

    pruned(function)

    assert function.versions == ["2", "3", "4", "5", "6"]


def test_prune_announces_nothing_without_old_versions() -> None:
    function = Lambda(1, 2, 3, live=3)

    assert pruned(function) == []
    assert function.versions == ["1", "2", "3"]


def test_an_error_of_aws_is_announced_and_not_raised() -> None:
    function = Lambda(1, 2, 3, 4, live=4)
    function.refuses = True

    assert pruned(function) == ["  old versions remain, and the next deployment tries again: Not you"]
