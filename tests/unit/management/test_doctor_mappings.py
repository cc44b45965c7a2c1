"""The doctor finds event source mappings of a function's alias and of the function itself."""

from types import SimpleNamespace
from typing import Any

import pytest

from django_offload.management.doctor import functions

MAPPING = {"EventSourceArn": "arn:aws:sqs:eu-central-1:123456789012:shop-dev-default"}


class Missing(Exception):
    """Replace ResourceNotFoundException."""


class Lambda:
    """A Lambda client that knows one function, with one mapping."""

    exceptions = SimpleNamespace(ResourceNotFoundException=Missing)

    def __init__(self, fed: str) -> None:
        self.fed = fed

    def get_paginator(self, operation: str) -> "Lambda":
        assert operation == "list_event_source_mappings"
        return self

    def paginate(self, *, FunctionName: str) -> list[dict[str, Any]]:
        if FunctionName != self.fed:
            raise Missing
        return [{"EventSourceMappings": [MAPPING]}]


@pytest.mark.parametrize("fed", ["shop-dev-default-worker:live", "shop-dev-default-worker"])
def test_a_mapping_is_found_where_it_feeds_the_alias_and_where_there_is_none(
    monkeypatch: pytest.MonkeyPatch, fed: str
) -> None:
    monkeypatch.setattr(functions, "client", lambda service: Lambda(fed))

    assert functions.find_mapping("shop-dev-default-worker", "shop-dev-default") == MAPPING
    assert functions.find_mapping("shop-dev-default-worker", "shop-dev-reports") is None


def test_a_function_that_is_missing_is_fed_by_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(functions, "client", lambda service: Lambda("another"))

    assert functions.find_mapping("shop-dev-default-worker", "shop-dev-default") is None
