"""Run the project's Python on this machine, in the environment that the functions of a stage have."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ..stack.layout import Layout
from ..stack.names import SWEEPER
from ..stack.parameters import DEFAULT_RUNTIME
from ..stack.stage_environment import StageEnvironment
from .stage import Stage

# Packaging and checking need no secret value. Settings that read a secret get this one.
PLACEHOLDER = "a-placeholder-that-replaces-a-secret-while-packaging-or-checking"
PLACEHOLDER_HOST = "placeholder.invalid"
# Settings may parse these values, so they must be complete. The keys are the ends of variables' names.
_URLS = {
    "DATABASE_URL": f"postgresql://placeholder:{PLACEHOLDER}@localhost:5432/placeholder",
    "_URL": f"https://{PLACEHOLDER_HOST}/",
}
# Python needs these variables to start on this machine. No function has any other variable of the shell.
_OF_THIS_MACHINE = {
    *("HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH"),
    *("SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "VIRTUAL_ENV"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionFacts:
    """What Lambda tells a function about itself."""

    name: str = "site"
    region: str = "us-east-1"
    runtime: str = DEFAULT_RUNTIME


ANY_FUNCTION = FunctionFacts()


def package_environment(
    folder: Path,
    settings_module: str,
    source_root: str,
    stage_environment: StageEnvironment,
    function: FunctionFacts = ANY_FUNCTION,
) -> dict[str, str]:
    """Return the environment in which the project's copy in `folder` runs as it will when deployed."""
    shell = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    shell.pop("OLDPWD", None)
    return {
        **placeholders(stage_environment),
        **shell,
        # The shell's would lead settings to the project's own folder, which holds more than the package.
        "PWD": str(folder),
        "DEBUG": "0",
        **stage_environment.environment,
        **variables_of_lambda(function, folder),
        # The shell may have the real secret key, but packaging doesn't need it.
        "SECRET_KEY": PLACEHOLDER,
        "DJANGO_SETTINGS_MODULE": settings_module,
        "PYTHONPATH": os.pathsep.join([str(folder / source_root), str(folder)]),
        # A later step compiles the bytecode for Lambda, always in the same way.
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def function_environment(layout: Layout, stage: Stage) -> dict[str, str]:
    """Return the environment of a function of the stage, with what Python needs to start here."""
    secrets = stage.stage_environment.secrets
    shell = {key: value for key, value in os.environ.items() if key in _OF_THIS_MACHINE or key in secrets}
    return {
        **placeholders(stage.stage_environment),
        **shell,
        **stage.stage_environment.environment,
        **variables_of_lambda(
            FunctionFacts(name=stage.options.function(SWEEPER), region=stage.region, runtime=stage.runtime),
            layout.root,
        ),
        "DJANGO_SETTINGS_MODULE": layout.settings_module,
        "PYTHONPATH": os.pathsep.join(dict.fromkeys([str(layout.source), str(layout.root), *sys.path])),
    }


def variables_of_lambda(function: FunctionFacts, task_root: Path) -> dict[str, str]:
    """
    Return the variables that Lambda sets in every function, with placeholders for the role's credentials.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
    """
    return {
        "AWS_REGION": function.region,
        "AWS_DEFAULT_REGION": function.region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "packaging",
        "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001",
        "AWS_ACCESS_KEY_ID": PLACEHOLDER,
        "AWS_SECRET_ACCESS_KEY": PLACEHOLDER,
        "AWS_SESSION_TOKEN": PLACEHOLDER,
        "LAMBDA_TASK_ROOT": str(task_root),
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "_HANDLER": "lambdas.web.handler",
    }


def placeholders(stage_environment: StageEnvironment) -> dict[str, str]:
    """Return a value for each secret of the stage, in the form that its name suggests."""
    return {
        name: next((value for ending, value in _URLS.items() if name.endswith(ending)), PLACEHOLDER)
        for name in stage_environment.secrets
    }


def run_python(
    program: str, folder: Path, environ: dict[str, str], given: str = ""
) -> "subprocess.CompletedProcess[str]":
    """Run a program in `folder` with exactly this environment, whether it succeeds or not."""
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env=environ,
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )


def last_error(process: "subprocess.CompletedProcess[str]") -> str:
    """Return the last line of a failed program's stderr, which names the exception, or else of its stdout."""
    output = process.stderr.strip() or process.stdout.strip() or "Python ended without a message"
    return output.splitlines()[-1]
