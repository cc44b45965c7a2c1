"""
CloudFormation's import of existing resources, which moto lacks, so that a new stack adopts retained data.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-automatically.html
"""

import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import cache
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs

# Whether the change set that runs now imports existing resources.
_importing: ContextVar[bool] = ContextVar("importing", default=False)
_RETAINING_POLICIES = {"Retain", "RetainExceptOnCreate"}
# The name of a change set within its ARN.
_CHANGE_SET_NAME = re.compile(r":changeSet/([^/]+)/")


def with_resource_import(application: Any) -> Any:
    """Return moto's `application` with support for ImportExistingResources in change sets."""
    register_importable_models()
    importing_change_sets: set[str] = set()

    def serve(environ: dict[str, Any], start_response: Any) -> Any:
        parameters = read_cloudformation_parameters(environ)
        action, name = parameters.get("Action"), parameters.get("ChangeSetName", "")
        if action == "CreateChangeSet" and parameters.get("ImportExistingResources") == "true":
            importing_change_sets.add(name)
        if action != "ExecuteChangeSet":
            return application(environ, start_response)
        arn = _CHANGE_SET_NAME.search(name)
        token = _importing.set((arn[1] if arn else name) in importing_change_sets)
        try:
            return list(application(environ, start_response))
        finally:
            _importing.reset(token)

    return serve


def read_cloudformation_parameters(environ: dict[str, Any]) -> Mapping[str, str]:
    """Return the parameters of a CloudFormation call, or an empty mapping for other services."""
    if "/cloudformation/" not in environ.get("HTTP_AUTHORIZATION", ""):
        return {}
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = BytesIO(body)
    return {key: values[0] for key, values in parse_qs(body.decode()).items()}


@cache
def register_importable_models() -> tuple[type, ...]:
    """
    Return subclasses of moto's table and bucket that CloudFormation can import.

    Defining them is enough, because moto searches the subclasses of CloudFormationModel and uses the last
    one of each type. The cache keeps them alive.
    """
    from moto.dynamodb.models import dynamodb_backends
    from moto.dynamodb.models.table import Table
    from moto.s3.models import FakeBucket, s3_backends
    from moto.utilities.utils import get_partition

    return (
        importable(Table, lambda account, region: dynamodb_backends[account][region].tables),
        importable(FakeBucket, lambda account, region: s3_backends[account][get_partition(region)].buckets),
    )


def importable(model: Any, existing: Callable[[str, str], Mapping[str, Any]]) -> type:
    """Return a subclass of `model` that reuses an `existing` resource of the same name when importing."""
    from moto.core.common_models import CloudFormationModel

    class ImportableModel(model, CloudFormationModel):  # type: ignore[misc]
        @classmethod
        def create_from_cloudformation_json(
            cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **more: Any
        ) -> Any:
            resource = existing(account_id, region_name).get(resource_name)
            retained = cloudformation_json.get("DeletionPolicy") in _RETAINING_POLICIES
            if resource is not None and retained and _importing.get():
                return resource
            return super().create_from_cloudformation_json(
                resource_name, cloudformation_json, account_id, region_name, **more
            )

    return ImportableModel
