"""The web side: Zappa's own commands, with what the stack tells filled into its settings."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...stack.names import SWEEPER, WEB, role_id
from ..errors import WebFailed
from ..stage import Stage
from ..zappa_settings import web_function
from .aws import AWS
from .change_set import described, resources

FOLDER = Path(".offload")


class Web:
    """The web function of a stage, deployed by Zappa."""

    def __init__(self, aws: AWS, stage: Stage, root: Path, settings: Mapping[str, Any]) -> None:
        self._aws, self._stage, self._root, self._settings = aws, stage, root, settings

    @property
    def function(self) -> str:
        """The function's name, as Zappa makes it."""
        return web_function(self._settings, self._stage.name)

    @property
    def settings_file(self) -> Path:
        return self._root / FOLDER / f"zappa-{self._stage.name}.json"

    def write_settings(self) -> Path:
        """Write what Zappa needs beyond zappa_settings.json: role, network, variables. Return the file."""
        given = dict(self._settings)
        given |= {"aws_region": self._stage.region, "role_arn": self._role(), "manage_roles": False}
        said = self._of_the_stack()
        # Those of the package, whatever Zappa's settings or (after a rollback) the stage's file say.
        given |= {"runtime": said["Runtime"], "architecture": said["Architectures"][0]}
        given["aws_environment_variables"] = {
            **given.get("aws_environment_variables", {}),
            **said["Environment"]["Variables"],
        }
        if said.get("KMSKeyArn"):
            given["aws_kms_key_arn"] = said["KMSKeyArn"]
        vpc = self._stage.surroundings.vpc
        if vpc is not None:
            given["vpc_config"] = {
                "SubnetIds": list(vpc.subnets),
                "SecurityGroupIds": list(vpc.security_groups),
            }
        file = self.settings_file
        file.parent.mkdir(mode=0o700, exist_ok=True)
        file.write_text(json.dumps({self._stage.name: given}, indent=4) + "\n")
        return file

    def deploy(self, bucket: str, key: str) -> list[str]:
        """Deploy or update the function from the workers' own package; return what Zappa says."""
        found = self._found()
        if found is None:
            return self._zappa("deploy", "--zip", f"s3://{bucket}/{key}")
        architecture = self._written()["architecture"]
        if found.get("Architectures", ["x86_64"]) != [architecture]:
            self._move(bucket, key, architecture)
        if self._publishes:
            self._forget_variables()  # The version that Zappa publishes has what the function has by then.
        said = self._zappa("update", "--zip", f"s3://{bucket}/{key}")
        self._forget_variables()
        return said

    def undeploy(self) -> list[str]:
        return self._zappa("undeploy", "--yes")

    def is_there(self) -> bool:
        return self._found() is not None

    def addresses(self) -> dict[str, str]:
        """Return where the site answers: the function URL, API Gateway's address, or both."""
        client = self._aws.client("lambda")
        found = {}
        with suppress(client.exceptions.ResourceNotFoundException):
            found["Address"] = str(client.get_function_url_config(FunctionName=self.function)["FunctionUrl"])
        gateway = self._gateway()
        if gateway is not None:
            found["ApiGatewayAddress" if found else "Address"] = gateway
        return found

    def _gateway(self) -> str | None:
        """Return the address of the API Gateway in Zappa's own stack, None where there is none."""
        if described(self._aws, self.function) is None:
            return None
        named = {
            one.get("LogicalResourceId"): one.get("PhysicalResourceId")
            for one in resources(self._aws, self.function)
        }
        api = named.get("Api") or named.get("ApiV2")  # REST and HTTP API, as Zappa names them.
        if api is None:
            return None
        host = f"{api}.execute-api.{self._aws.region}.{self._aws.domain}"
        return f"https://{host}/{self._stage.name}"

    def _zappa(self, action: str, *arguments: str) -> list[str]:
        command = [
            *(zappa(), action, self._stage.name, "--settings_file"),
            *(str(self.settings_file), "--disable_progress", *arguments),
        ]
        ran = subprocess.run(
            command,
            cwd=self._root,
            env={**os.environ, "AWS_DEFAULT_REGION": self._stage.region, "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        lines = [line for line in ran.stdout.splitlines() if line.strip()]
        if ran.returncode != 0:
            reason = next((line for line in reversed(lines) if "rror" in line), "it does not say why")
            raise WebFailed(" ".join(command), f"zappa {action} failed: {reason.strip()}")
        return lines

    def _role(self) -> str:
        found = (
            one for one in resources(self._aws, self._stage.stack) if one["LogicalResourceId"] == role_id(WEB)
        )
        name = next(found)["PhysicalResourceId"]
        iam = self._aws.client("iam")
        return str(iam.get_role(RoleName=name)["Role"]["Arn"])

    def _found(self) -> dict[str, Any] | None:
        """Return what Lambda says of the function, None where there is none."""
        client = self._aws.client("lambda")
        try:
            found: dict[str, Any] = client.get_function_configuration(FunctionName=self.function)
        except client.exceptions.ResourceNotFoundException:
            return None
        return found

    @property
    def _publishes(self) -> bool:
        """Does an alias lead to a version that Zappa publishes, rather than to what is there now?"""
        snaps = self._settings.get("snap_start") or "None"
        return snaps != "None" or self._settings.get("provisioned_concurrency") is not None

    def _move(self, bucket: str, key: str, architecture: str) -> None:
        """Give the function the package's processor with its code: `zappa update` leaves the old one."""
        client = self._aws.client("lambda")
        client.update_function_code(
            FunctionName=self.function, S3Bucket=bucket, S3Key=key, Architectures=[architecture]
        )
        client.get_waiter("function_updated_v2").wait(FunctionName=self.function)

    def _forget_variables(self) -> None:
        """Take away the variables that no settings name any more: `zappa update` keeps them for ever."""
        wanted = self._written()["aws_environment_variables"]
        client = self._aws.client("lambda")
        client.get_waiter("function_updated_v2").wait(FunctionName=self.function)
        found = client.get_function_configuration(FunctionName=self.function)
        if found.get("Environment", {}).get("Variables", {}) != wanted:
            client.update_function_configuration(
                FunctionName=self.function, Environment={"Variables": wanted}
            )
            client.get_waiter("function_updated_v2").wait(FunctionName=self.function)

    def _written(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.settings_file.read_text())[self._stage.name]
        return found

    def _of_the_stack(self) -> dict[str, Any]:
        """Return how the stack made a function of its own: the web has the same variables and key."""
        name = self._stage.options.function(SWEEPER)
        said: dict[str, Any] = self._aws.client("lambda").get_function_configuration(FunctionName=name)
        refused = said.get("Environment", {}).get("Error")
        if refused:
            raise WebFailed(
                f"manage.py offload_deploy --stage {self._stage.name}",
                f"you may not read the variables of {name}, which the web side gets as well "
                f"({refused.get('Message') or refused.get('ErrorCode')}); "
                "let the policy of the key in KmsKeyArn allow you kms:Decrypt",
            )
        return {"Environment": {"Variables": {}}, "Architectures": ["x86_64"], **said}


def zappa() -> str:
    """Return the path of Zappa's command. Raise WebFailed if it is not installed."""
    beside = Path(sys.executable).with_name("zappa")
    found = str(beside) if beside.exists() else shutil.which("zappa")
    if found is None:
        raise WebFailed(
            "manage.py offload_deploy",
            'zappa is not installed (pip install "django-offload[deploy]" brings it)',
        )
    return found
