"""The addresses of a deployed site."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from django_offload.deploy.release.aws import AWS
from django_offload.deploy.release.web import Web


@pytest.mark.parametrize(
    ("url", "api", "region", "addresses"),
    [
        (None, None, "eu-central-1", {}),
        ("https://u/", None, "eu-central-1", {"Address": "https://u/"}),
        (None, "Api", "eu-central-1", {"Address": "https://a1.execute-api.eu-central-1.amazonaws.com/dev"}),
        (None, "ApiV2", "cn-north-1", {"Address": "https://a1.execute-api.cn-north-1.amazonaws.com.cn/dev"}),
        (
            "https://u/",
            "Api",
            "eu-central-1",
            {
                "Address": "https://u/",
                "ApiGatewayAddress": "https://a1.execute-api.eu-central-1.amazonaws.com/dev",
            },
        ),
    ],
)
def test_addresses_has_the_function_url_and_the_api_gateway(
    tmp_path: Path, url: str | None, api: str | None, region: str, addresses: dict[str, str]
) -> None:
    def function_url(FunctionName: str) -> dict[str, str]:
        if url is None:
            raise KeyError
        return {"FunctionUrl": url}

    def stacks(StackName: str) -> dict[str, Any]:
        if api is None:
            error = {"Message": f"Stack with id {StackName} does not exist"}
            raise ClientError({"Error": error}, "DescribeStacks")
        return {"Stacks": [{}]}

    resources = [
        {"LogicalResourceId": api, "PhysicalResourceId": "a1"},
        {"PhysicalResourceId": "of another kind"},
    ]
    pages = SimpleNamespace(paginate=lambda **arguments: [{"StackResourceSummaries": resources}])
    client = SimpleNamespace(
        get_function_url_config=function_url,
        describe_stacks=stacks,
        get_paginator=lambda name: pages,
        exceptions=SimpleNamespace(ResourceNotFoundException=KeyError, ClientError=ClientError),
    )
    aws: Any = AWS(region)
    aws.client = lambda service: client
    stage: Any = SimpleNamespace(name="dev")

    assert Web(aws, stage, tmp_path, {"project_name": "lab"}).addresses() == addresses
