"""Secrets Manager: secrets, read when a function starts."""

from typing import ClassVar

from .answer import Answer
from .service import JSONService, Result


class SecretsManager(JSONService):
    """Of dates and bytes, which boto3 makes objects, nothing is told: a variable holds text."""

    name = "secretsmanager"
    target = "secretsmanager"
    version = "1.1"
    operations: ClassVar = {"get_secret_value": "GetSecretValue"}
    refusals: ClassVar = {}

    def result(self, answer: Answer) -> Result:
        found = super().result(answer)
        for name in ("CreatedDate", "SecretBinary"):
            found.pop(name, None)
        return found
