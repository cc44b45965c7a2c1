"""Systems Manager: parameters, read when a function starts."""

from typing import ClassVar

from .answer import Answer
from .service import JSONService, Result


class SSM(JSONService):
    """Of a parameter's date, which boto3 makes an object, nothing is told."""

    name = "ssm"
    target = "AmazonSSM"
    version = "1.1"
    operations: ClassVar = {"get_parameters": "GetParameters"}
    refusals: ClassVar = {}

    def result(self, answer: Answer) -> Result:
        found = super().result(answer)
        for parameter in found.get("Parameters", ()):
            parameter.pop("LastModifiedDate", None)
        return found
