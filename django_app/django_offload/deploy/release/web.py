"""The web side: Zappa's own commands, with zappa_settings.json completed from the deployed stack."""

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
from ..variables import function_variables, handler_variables
from ..zappa_settings import web_function
from .aws import AWS, error_message
from .credentials import profile_of
from .deployed_stack import describe_stack, stack_resources

FOLDER = Path(".offload")


class Web:
    """The web function of a stage, which Zappa deploys."""

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
        """
        Write the settings file for Zappa's commands, and return its path.

        It is zappa_settings.json with the stack's role, runtime, processor, network, variables and key.
        """
        role_name = next(
            resource["PhysicalResourceId"]
            for resource in stack_resources(self._aws, self._stage.stack)
            if resource["LogicalResourceId"] == role_id(WEB)
        )
        role = self._aws.client("iam").get_role(RoleName=role_name)["Role"]
        settings = dict(self._settings)
        # The credentials of the stack.
        profile = profile_of(settings)
        settings = {name: value for name, value in settings.items() if name != "profile_name"}
        settings |= {} if profile is None else {"profile_name": profile}
        settings |= {"aws_region": self._stage.region, "role_arn": str(role["Arn"]), "manage_roles": False}
        stack_function = self.stack_function()
        # The package decides these. Zappa's settings or, after a rollback, the stage's file may differ.
        settings |= {
            "runtime": stack_function["Runtime"],
            "architecture": stack_function["Architectures"][0],
        }
        settings["aws_environment_variables"] = {
            **function_variables(settings),
            **stack_function["Environment"]["Variables"],
            **handler_variables(settings),
        }
        if stack_function.get("KMSKeyArn"):
            settings["aws_kms_key_arn"] = stack_function["KMSKeyArn"]
        vpc = self._stage.stage_environment.vpc
        if vpc is not None:
            settings["vpc_config"] = {
                "SubnetIds": list(vpc.subnets),
                "SecurityGroupIds": list(vpc.security_groups),
            }
        file = self.settings_file
        file.parent.mkdir(mode=0o700, exist_ok=True)
        file.write_text(json.dumps({self._stage.name: settings}, indent=4) + "\n")
        return file

    def deploy(self, bucket: str, key: str) -> list[str]:
        """Deploy or update the function with the workers' own package. Return what Zappa prints."""
        function = self.configuration()
        if function is None:
            return self.run_zappa("deploy", "--zip", f"s3://{bucket}/{key}")
        architecture = self._written_settings()["architecture"]
        if function.get("Architectures", ["x86_64"]) != [architecture]:
            # `zappa update` keeps the old processor, so the function gets the new one here, with its code.
            client = self._aws.client("lambda")
            client.update_function_code(
                FunctionName=self.function, S3Bucket=bucket, S3Key=key, Architectures=[architecture]
            )
            self._wait_until_updated()
        snap_start = self._settings.get("snap_start") or "None"
        if snap_start != "None" or self._settings.get("provisioned_concurrency") is not None:
            # Zappa then publishes a version, which has the variables that the function has by then.
            self._remove_old_variables()
        output = self.run_zappa("update", "--zip", f"s3://{bucket}/{key}")
        self._remove_old_variables()
        return output

    def undeploy(self) -> list[str]:
        return self.run_zappa("undeploy", "--yes")

    def exists(self) -> bool:
        return self.configuration() is not None

    def addresses(self) -> dict[str, str]:
        """Return the addresses of the site: its function URL, its API Gateway, or both."""
        client = self._aws.client("lambda")
        addresses = {}
        with suppress(client.exceptions.ResourceNotFoundException):
            url = client.get_function_url_config(FunctionName=self.function)["FunctionUrl"]
            addresses["Address"] = str(url)
        # Zappa creates an API Gateway in a stack of its own, which has the function's name.
        if describe_stack(self._aws, self.function) is not None:
            resources = {
                resource.get("LogicalResourceId"): resource.get("PhysicalResourceId")
                for resource in stack_resources(self._aws, self.function)
            }
            api = resources.get("Api") or resources.get("ApiV2")  # Zappa's names of REST and HTTP APIs.
            if api is not None:
                host = f"{api}.execute-api.{self._aws.region}.{self._aws.domain}"
                name = "ApiGatewayAddress" if addresses else "Address"
                addresses[name] = f"https://{host}/{self._stage.name}"
        return addresses

    def configuration(self) -> dict[str, Any] | None:
        """Return Lambda's configuration of the function, or None if it doesn't exist."""
        client = self._aws.client("lambda")
        try:
            configuration: dict[str, Any] = client.get_function_configuration(FunctionName=self.function)
        except client.exceptions.ResourceNotFoundException:
            return None
        return configuration

    def stack_function(self) -> dict[str, Any]:
        """
        Return the configuration of a function of the stack, whose variables and key the web side shares.

        Raise WebFailed if its variables can't be read.
        """
        name = self._stage.options.function(SWEEPER)
        configuration: dict[str, Any] = self._aws.client("lambda").get_function_configuration(
            FunctionName=name
        )
        denied = configuration.get("Environment", {}).get("Error")
        if denied:
            raise WebFailed(
                f"manage.py offload_deploy --stage {self._stage.name}",
                f"you may not read the variables of {name}, which the web side needs too "
                f"({denied.get('Message') or denied.get('ErrorCode')}). Let the policy of the key in "
                "KmsKeyArn allow you kms:Decrypt",
            )
        return {"Environment": {"Variables": {}}, "Architectures": ["x86_64"], **configuration}

    def run_zappa(self, action: str, *arguments: str) -> list[str]:
        """Run a command of Zappa, and return the lines that it prints. Raise WebFailed if it fails."""
        command = [
            *(zappa_command(), action, self._stage.name, "--settings_file"),
            *(str(self.settings_file), "--disable_progress", *arguments),
        ]
        process = subprocess.run(
            command,
            cwd=self._root,
            env={**os.environ, "AWS_DEFAULT_REGION": self._stage.region, "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        lines = [line for line in process.stdout.splitlines() if line.strip()]
        if process.returncode != 0:
            reason = next((line for line in reversed(lines) if "rror" in line), "Zappa gives no reason")
            raise WebFailed(" ".join(command), f"zappa {action} failed: {reason.strip()}")
        return lines

    def _written_settings(self) -> dict[str, Any]:
        settings: dict[str, Any] = json.loads(self.settings_file.read_text())[self._stage.name]
        return settings

    def _remove_old_variables(self) -> None:
        """Remove the variables that no settings name any more, because `zappa update` keeps them."""
        variables = self._written_settings()["aws_environment_variables"]
        client = self._aws.client("lambda")
        self._wait_until_updated()
        configuration = client.get_function_configuration(FunctionName=self.function)
        if configuration.get("Environment", {}).get("Variables", {}) != variables:
            client.update_function_configuration(
                FunctionName=self.function, Environment={"Variables": variables}
            )
            self._wait_until_updated()

    def _wait_until_updated(self) -> None:
        """Wait until Lambda has applied a change. Raise WebFailed, with Lambda's reason, if it can't."""
        from botocore.exceptions import WaiterError

        try:
            self._aws.client("lambda").get_waiter("function_updated_v2").wait(FunctionName=self.function)
        except WaiterError as exc:
            command = f"manage.py offload_deploy --stage {self._stage.name}"
            raise WebFailed(command, f"the function {self.function} is {error_message(exc)}") from exc


def zappa_command() -> str:
    """Return the path of Zappa's command. Raise WebFailed if it is not installed."""
    beside_python = Path(sys.executable).with_name("zappa")
    path = str(beside_python) if beside_python.exists() else shutil.which("zappa")
    if path is None:
        raise WebFailed(
            "manage.py offload_deploy",
            'zappa is not installed (pip install "django-offload[deploy]" installs it)',
        )
    return path
