"""
CloudFormation's import of what is there already, which moto lacks: what an earlier stack kept comes back.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-automatically.html
"""

import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import cache
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs

# Does the change set that is executed import?
_IMPORTS: ContextVar[bool] = ContextVar("imports", default=False)
_KEEPING = {"Retain", "RetainExceptOnCreate"}
# A change set's name, as its ARN has it.
_NAME = re.compile(r":changeSet/([^/]+)/")


def importing(application: Any) -> Any:
    """Return moto's `application` with change sets that import where they are asked to."""
    _models()
    asked: set[str] = set()

    def serve(environ: dict[str, Any], start_response: Any) -> Any:
        said = _said(environ)
        action, name = said.get("Action"), said.get("ChangeSetName", "")
        if action == "CreateChangeSet" and said.get("ImportExistingResources") == "true":
            asked.add(name)
        if action != "ExecuteChangeSet":
            return application(environ, start_response)
        found = _NAME.search(name)
        token = _IMPORTS.set((found[1] if found else name) in asked)
        try:
            return list(application(environ, start_response))
        finally:
            _IMPORTS.reset(token)

    return serve


def _said(environ: dict[str, Any]) -> Mapping[str, str]:
    """Return what a call of CloudFormation says; nothing of a call of another service."""
    if "/cloudformation/" not in environ.get("HTTP_AUTHORIZATION", ""):
        return {}
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = BytesIO(body)
    return {key: values[0] for key, values in parse_qs(body.decode()).items()}


@cache
def _models() -> tuple[type, ...]:
    """
    Return table and bucket as moto's CloudFormation makes them, or takes them where it imports.

    moto finds them among the subclasses of CloudFormationModel, and uses the last of a type.
    """
    from moto.dynamodb.models import dynamodb_backends
    from moto.dynamodb.models.table import Table
    from moto.s3.models import FakeBucket, s3_backends
    from moto.utilities.utils import get_partition

    return (
        _kept(Table, lambda account, region: dynamodb_backends[account][region].tables),
        _kept(FakeBucket, lambda account, region: s3_backends[account][get_partition(region)].buckets),
    )


def _kept(model: Any, there: Callable[[str, str], Mapping[str, Any]]) -> type:
    """Return a model of moto's that takes what is `there`, by name, where it is imported."""
    from moto.core.common_models import CloudFormationModel

    class Kept(model, CloudFormationModel):  # type: ignore[misc]
        @classmethod
        def create_from_cloudformation_json(
            cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **more: Any
        ) -> Any:
            found = there(account_id, region_name).get(resource_name)
            keeps = cloudformation_json.get("DeletionPolicy") in _KEEPING
            if found is not None and keeps and _IMPORTS.get():
                return found
            return super().create_from_cloudformation_json(
                resource_name, cloudformation_json, account_id, region_name, **more
            )

    return Kept
