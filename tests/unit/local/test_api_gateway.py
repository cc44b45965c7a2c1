"""moto's API Gateway without the validator of OpenAPI documents, which no extra installs."""

import subprocess
import sys

from tests.architecture.sources import SOURCE_ROOT

PROGRAM = """
import sys
sys.modules["openapi_spec_validator"] = None  # As if it weren't installed.
from django_offload.local.aws.api_gateway import import_api_gateway
from django_offload.local.errors import LocalAWSError

import_api_gateway()
print([name for name in sys.modules if name.startswith("openapi_spec")])
from moto.apigateway import models
try:
    models.validate({})
except LocalAWSError as exc:
    print(exc)
"""


def test_a_placeholder_stands_in_only_while_moto_is_imported() -> None:
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={"PYTHONPATH": str(SOURCE_ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert run.stdout.splitlines() == [
        "[]",
        "API Gateway on this machine can't check an OpenAPI document, because openapi-spec-validator isn't "
        "installed. Install it with: pip install openapi-spec-validator",
    ], run.stderr
