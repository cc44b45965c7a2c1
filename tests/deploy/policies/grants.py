"""What the template's policies allow: each action of each statement, on which resources."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from django_offload.stack.names import SCHEDULER
from tests.deploy.policies.calls import ACCOUNT, Call
from tests.unit.stack.evaluate import Evaluated

_KINDS = {
    "AWS::SQS::Queue": ("sqs", "QueueName"),
    "AWS::DynamoDB::Table": ("dynamodb", "TableName"),
    "AWS::S3::Bucket": ("s3", "BucketName"),
    "AWS::Logs::LogGroup": ("logs", "LogGroupName"),
}


@dataclass(frozen=True, slots=True)
class Grant:
    """One action that a role may do, and on what."""

    role: str
    action: str
    resources: tuple[str, ...]
    policy: str

    def each(self) -> Iterator["Grant"]:
        """Yield a grant for each of the resources."""
        for resource in self.resources:
            yield replace(self, resources=(resource,))

    def covers(self, call: Call) -> bool:
        same = (call.role, call.action) == (self.role, self.action)
        return same and any(fnmatchcase(call.resource, pattern) for pattern in self.resources)


class Template:
    """A template as AWS reads it in a region."""

    def __init__(self, evaluated: Evaluated, region: str) -> None:
        self.resources, self._region = evaluated.resources, region

    def grants(self) -> Iterator[Grant]:
        """Yield what every function may do, by its name; the web's role is "web", Scheduler's "scheduler"."""
        for name, policy, statements in self._policies():
            for statement in statements:
                resources = tuple(self.arn(one) for one in statement["Resource"])
                for action in statement["Action"]:
                    yield Grant(name, action, resources, policy)

    def statements(self) -> Iterator[tuple[str, str, list[str]]]:
        """Yield each statement as its role, its effect and its actions."""
        for role, _, statements in self._policies():
            for statement in statements:
                yield role, statement["Effect"], statement["Action"]

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """Return the properties of every resource of a type."""
        return [one["Properties"] for one in self.resources.values() if one["Type"] == kind]

    def _policies(self) -> Iterator[tuple[str, str, list[Mapping[str, Any]]]]:
        functions = {
            one["Properties"]["Role"]["Fn::GetAtt"][0]: one["Properties"]["FunctionName"]
            for one in self.resources.values()
            if one["Type"] == "AWS::Lambda::Function"
        }
        functions |= {"RoleWeb": "web", "RoleScheduler": SCHEDULER}
        for logical_id, name in functions.items():
            for policy in self.resources[logical_id]["Properties"]["Policies"]:
                yield name, policy["PolicyName"], policy["PolicyDocument"]["Statement"]
        for one in self.resources.values():
            if one["Type"] == "AWS::IAM::Policy":
                for role in one["Properties"]["Roles"]:
                    document = one["Properties"]["PolicyDocument"]
                    yield functions[role["Ref"]], one["Properties"]["PolicyName"], document["Statement"]

    def arn(self, reference: Any) -> str:
        """Return what a reference of the template comes to."""
        if isinstance(reference, str):
            return reference
        if "Ref" in reference:  # Of an alias, which is its ARN.
            alias = self.resources[reference["Ref"]]["Properties"]
            function = self.resources[alias["FunctionName"]["Ref"]]["Properties"]["FunctionName"]
            return f"arn:aws:lambda:{self._region}:{ACCOUNT}:function:{function}:{alias['Name']}"
        if "Fn::GetAtt" in reference:
            return self._own(reference["Fn::GetAtt"][0])
        return self._text(reference["Fn::Sub"])

    def _own(self, logical_id: str) -> str:
        resource = self.resources[logical_id]
        service, key = _KINDS[resource["Type"]]
        given = resource["Properties"][key]
        name = given if isinstance(given, str) else self._text(given["Fn::Sub"])
        if service == "s3":
            return f"arn:aws:s3:::{name}"
        kind = {"dynamodb": "table/", "logs": "log-group:"}.get(service, "")
        return f"arn:aws:{service}:{self._region}:{ACCOUNT}:{kind}{name}"

    def _text(self, text: str) -> str:
        pseudo = {"AWS::Partition": "aws", "AWS::Region": self._region, "AWS::AccountId": ACCOUNT}

        def value(found: re.Match[str]) -> str:
            return pseudo.get(found[1]) or (
                self._own(found[1].removesuffix(".Arn")) if "." in found[1] else "*"
            )

        return re.sub(r"\$\{([\w:.]+)\}", value, text)
