"""System checks of what a deployment would make public: credentials, hosts and endpoints of each stage."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage

from ..aws.cleartext import is_cleartext, named_endpoints, shown_url
from ..exceptions import OffloadError
from ..stack.layout import layout
from .environment import PLACEHOLDER, PLACEHOLDER_HOST
from .hosts import host_problems, split_hosts
from .scaffold.checks import is_configured
from .secret_files import settings_places, stage_problems, zappa_problems
from .stage import ENV_STAGE, as_text, load_if_exists, region_of
from .variables import FUNCTION_KEY, HANDLER_KEY
from .zappa_settings import FILE, merged_settings, read_stages

# The variables by which settings usually get ALLOWED_HOSTS.
HOSTS = ("ALLOWED_HOSTS", "DJANGO_ALLOWED_HOSTS")


def check_literals(**kwargs: Any) -> list[CheckMessage]:
    """Warn about credentials in the files of stages and in Zappa's settings."""
    messages: list[CheckMessage] = []
    for root, stages in project_stages():
        for stage in stage_names(root, stages):
            found = [*zappa_problems(stages, stage)]
            with suppress(OffloadError):  # The commands that need the file report what is wrong with it.
                found += stage_problems(root, stage)
            for text, hint in found:
                # A stage's file, or Zappa's settings, contain what looks like a password, a key or a token.
                messages.append(checks.Warning(text, hint=hint, id="django_offload.W025"))
    return messages


def check_settings(**kwargs: Any) -> list[CheckMessage]:
    """Warn about credentials that are written in the code of the settings. On a laptop they do no harm."""
    if settings.DEBUG or not is_configured():
        return []
    try:
        places = settings_places(layout(), settings)
    except OffloadError:
        return []  # The settings have no code.
    if not places:
        return []
    return [
        checks.Warning(
            f"The settings contain what looks like a credential in their code: {', '.join(places)}.",
            hint="Read it from a variable, such as os.environ['SECRET_KEY'], and name the variable in "
            '"secrets" of the stage\'s file in infra/. Then change the value.',
            id="django_offload.W026",
        )
    ]


def check_hosts(**kwargs: Any) -> list[CheckMessage]:
    """Warn if the site answers requests for hosts that aren't its own, or none for its own."""
    if settings.DEBUG or not is_configured():
        return []
    hosts, own = [str(host) for host in settings.ALLOWED_HOSTS or ()], os.environ.get(ENV_STAGE)
    if any(PLACEHOLDER in host or PLACEHOLDER_HOST in host for host in hosts):
        return []  # A secret store has them, which this process doesn't read.
    written = [host for host in hosts if host not in hosts_of_environment()]
    found: list[tuple[str, str]] = []
    if not hosts:
        hint = "Name the hosts of your site in it. Each function gets it from its stage's variables."
        found.append(("ALLOWED_HOSTS is empty, so the site refuses every request.", hint))
    is_compared = False
    for root, stages in project_stages():
        for stage in stages:
            try:
                merged, region = merged_settings(stages, stage), region_of(root, stage)
                variables = variables_of(root, stages, stage)
            except OffloadError:
                continue
            region = str(merged.get("aws_region") or region)
            if stage == own and hosts:
                is_compared = True
                found += host_problems(hosts, "ALLOWED_HOSTS", stage, merged, region)
            for place, name, value in variables:
                if name in HOSTS and stage != own:
                    named = split_hosts(value)
                    found += host_problems(named, f"{name} in {place}", stage, merged, region, written)
    if not is_compared:
        found += host_problems(hosts, "ALLOWED_HOSTS", "", None, "")
    # ALLOWED_HOSTS is empty, accepts the hosts of anybody, or doesn't accept those of the stage.
    return [checks.Warning(text, hint=hint, id="django_offload.W028") for text, hint in dict.fromkeys(found)]


def hosts_of_environment() -> list[str]:
    """Return the hosts that the settings have from the variables of this process. They write any others."""
    return [host for name in HOSTS for host in split_hosts(os.environ.get(name, ""))]


def check_endpoints(**kwargs: Any) -> list[CheckMessage]:
    """Report endpoints without encryption among the variables that a stage gives to its functions."""
    messages: list[CheckMessage] = []
    for root, stages in project_stages():
        for stage in stage_names(root, stages):
            try:
                variables = variables_of(root, stages, stage)
            except OffloadError:
                continue
            for place, name, value in variables:
                if is_unencrypted_endpoint(name, value):
                    messages.append(endpoint_error(place, name, value))
    return messages


def is_unencrypted_endpoint(name: str, value: str) -> bool:
    """Return True if a variable names an endpoint of AWS without TLS, or one whose value is no URL."""
    try:
        return any(is_cleartext(url) for _, url in named_endpoints({name: value}))
    except ValueError:
        return True


def endpoint_error(place: str, name: str, value: str) -> CheckMessage:
    return checks.Error(
        f"{name} in {place} is '{shown_url(value)}'. Messages and results would cross the network "
        "unencrypted.",
        hint="Use https://, or remove the variable to use AWS.",
        id="django_offload.E021",
    )


def variables_of(root: Path, stages: Mapping[str, dict[str, Any]], stage: str) -> list[tuple[str, str, str]]:
    """Return the variables that the functions of a stage get: where each stands, its name and its value."""
    zappa = merged_settings(stages, stage) if stage in stages else {}
    found = [
        (f"{key} of {FILE}, stage '{stage}',", str(name), as_text(value))
        for key in (HANDLER_KEY, FUNCTION_KEY)
        if isinstance(zappa.get(key), Mapping)
        for name, value in zappa[key].items()
    ]
    of_file = load_if_exists(root, stage).get("environment", {})
    return found + [(f"infra/{stage}.json", name, as_text(value)) for name, value in of_file.items()]


def project_stages() -> Iterator[tuple[Path, dict[str, dict[str, Any]]]]:
    """Yield the project's folder with its stages in Zappa's settings, or nothing if there is no project."""
    if not is_configured():
        return
    try:
        root = layout().root
    except OffloadError:
        return
    try:
        stages = read_stages(root)
    except OffloadError:
        stages = {}
    # Commands that need the file report what isn't as it must be.
    stages = stages if isinstance(stages, dict) else {}
    yield root, {name: stage for name, stage in stages.items() if isinstance(stage, dict)}


def stage_names(root: Path, stages: Mapping[str, Any]) -> list[str]:
    """Return the stages that Zappa's settings name, or that have a file in infra/."""
    return sorted({*stages, *(file.stem for file in (root / "infra").glob("*.json"))})
