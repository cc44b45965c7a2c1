"""
moto's API Gateway without a package that it imports for one call.

CloudFormation in moto imports the models of each service. Those of API Gateway import openapi-spec-validator,
which brings fifteen more packages and checks the document of ImportRestApi and PutRestApi, nothing else.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from ..errors import LocalAWSError

PACKAGE = "openapi_spec_validator"


def import_api_gateway() -> None:
    """Import moto's models of API Gateway, also if the validator of OpenAPI documents isn't installed."""
    if find_spec(PACKAGE) is None:
        with placeholder():
            import moto.apigateway.models
    else:
        import moto.apigateway.models  # noqa: F401


@contextmanager
def placeholder() -> Iterator[None]:
    """Let the names that moto imports from the validator exist until the block ends."""
    package, exceptions = ModuleType(PACKAGE), ModuleType(f"{PACKAGE}.validation.exceptions")
    names: dict[str, Any] = {"validate": refuse, "OpenAPIValidationError": OpenAPIValidationError}
    vars(package).update(names)
    vars(exceptions).update(names)
    modules = {PACKAGE: package, f"{PACKAGE}.validation": package, exceptions.__name__: exceptions}
    sys.modules.update(modules)
    try:
        yield
    finally:
        for name in modules:
            del sys.modules[name]


class OpenAPIValidationError(Exception):
    """The exception that moto catches. Without the validator nothing raises it."""


def refuse(document: object) -> None:
    """Raise LocalAWSError, because the document can't be checked."""
    raise LocalAWSError(
        "API Gateway on this machine can't check an OpenAPI document, because openapi-spec-validator isn't "
        "installed. Install it with: pip install openapi-spec-validator"
    )
