"""zappa_settings.json keeps its settings, and gets those that are missing."""

import json
from pathlib import Path

import pytest

from django_offload.deploy.scaffold.project_files import infra_files, notes
from django_offload.deploy.scaffold.zappa import zappa_file
from django_offload.deploy.stage import read_stage
from django_offload.deploy.zappa_settings import web_function
from django_offload.exceptions import ConfigurationError
from django_offload.stack.layout import Layout

SETTINGS = """{
  "production": {
    "s3_bucket": "pies-code",
    "django_settings": "pies.settings",
    "keep_warm": true,
    "log_level": "WARNING"
  },
  "staging": {
    "extends": "production"
  }
}
"""


def project(folder: Path, source: str = ".") -> Layout:
    return Layout(root=folder, source=(folder / source).resolve(), settings_module="pies.settings")


def patch_file(folder: Path, text: str, source: str = ".") -> str:
    """Add the missing settings to the file, and return its text."""
    (folder / "zappa_settings.json").write_text(text, newline="")
    change = zappa_file(project(folder, source), "pies-dev")
    assert not change.overwrites
    change.write()
    return change.after


def test_a_stage_gets_missing_settings_and_keeps_its_own(tmp_path: Path) -> None:
    stages = json.loads(patch_file(tmp_path, SETTINGS))

    assert stages["production"] == {
        **json.loads(SETTINGS)["production"],
        "lambda_handler": "lambdas.web.handler",
        "manage_roles": False,
    }
    assert stages["staging"] == {"extends": "production"}


@pytest.mark.parametrize(
    ("configured", "runtime"),
    [("python3.12", "python3.12"), ("python3.9", "python3.13"), (None, "python3.13")],
)
def test_workers_get_the_web_sides_python_if_it_is_supported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, configured: str | None, runtime: str
) -> None:
    monkeypatch.setattr("django_offload.deploy.scaffold.runtime.own_runtime", lambda: "python3.13")
    stages = {
        "production": {"runtime": configured} if configured else {},
        "staging": {"extends": "production"},
    }
    (tmp_path / "zappa_settings.json").write_text(json.dumps(stages))

    written = [json.loads(change.after) for change in infra_files(project(tmp_path), "lab-dev")[1:]]

    assert [stage["parameters"]["Runtime"] for stage in written] == [runtime, runtime]


def test_the_note_on_an_unsupported_python_names_the_one_that_functions_get(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django_offload.deploy.scaffold.runtime.own_runtime", lambda: "python3.15")
    (tmp_path / "zappa_settings.json").write_text(json.dumps({"production": {"runtime": "python3.12"}}))

    (note,) = notes(project(tmp_path), infra_files(project(tmp_path), "lab-dev"))

    assert 'their "Runtime" in infra/ is python3.12. ' in note
    assert note.endswith("packaging needs Python 3.12 on this machine.")


def test_workers_get_the_web_sides_variables_without_secrets(tmp_path: Path) -> None:
    base = {
        "environment_variables": {"OVEN": "hot"},
        "aws_environment_variables": {"PYTHONPATH": "/var/task/src", "PLATES": "7", "STRIPE_KEY": "sk-1"},
    }
    own = {"extends": "production", "environment_variables": {"OVEN": "cold"}}
    (tmp_path / "zappa_settings.json").write_text(json.dumps({"production": base, "staging": own}))

    changes = infra_files(project(tmp_path), "lab-dev")
    written = [json.loads(change.after)["environment"] for change in changes[1:]]

    assert written == [{"PLATES": "7", "OVEN": "hot"}, {"PLATES": "7", "OVEN": "cold"}]
    assert list(notes(project(tmp_path), changes)) == [
        f"infra/{stage}.json leaves out variables that look like secrets: STRIPE_KEY. Store each value in "
        'Systems Manager, and add its name there to that file: "secrets": {"STRIPE_KEY": '
        f'"ssm:/…/{stage}/stripe-key"}}.'
        for stage in ("production", "staging")
    ]
    for change in changes:
        change.write()
    assert read_stage(tmp_path, "production").stage_environment.environment["OVEN"] == "hot"


def test_no_other_line_changes(tmp_path: Path) -> None:
    (tmp_path / "zappa_settings.json").write_text(SETTINGS)

    diff = zappa_file(project(tmp_path), "pies-dev").diff("zappa_settings.json").splitlines()[2:]

    assert [line for line in diff if line[0] in "+-"] == [
        '-    "log_level": "WARNING"',
        '+    "log_level": "WARNING",',
        '+    "lambda_handler": "lambdas.web.handler",',
        '+    "manage_roles": false',
    ]


def test_the_second_time_nothing_changes(tmp_path: Path) -> None:
    once = patch_file(tmp_path, SETTINGS, "src")

    assert patch_file(tmp_path, once, "src") == once
    assert not zappa_file(project(tmp_path, "src"), "pies-dev").needed


def test_the_source_folder_comes_first_in_the_path(tmp_path: Path) -> None:
    text = '{"dev": {"aws_environment_variables": {"PYTHONPATH": "/opt/more", "A": "1"}}}'

    (stage,) = json.loads(patch_file(tmp_path, text, "src")).values()

    assert stage["aws_environment_variables"] == {"PYTHONPATH": "/var/task/src:/opt/more", "A": "1"}


def test_an_extending_stage_with_its_own_variables_gets_the_path(
    tmp_path: Path,
) -> None:
    text = '{"dev": {}, "prod": {"extends": "dev", "aws_environment_variables": {"A": "1"}}}'

    stages = json.loads(patch_file(tmp_path, text, "src"))

    assert stages["prod"] == {
        "extends": "dev",
        "aws_environment_variables": {"A": "1", "PYTHONPATH": "/var/task/src"},
    }


def test_indent_and_line_endings_stay(tmp_path: Path) -> None:
    text = patch_file(tmp_path, '{\r\n\t"dev": {\r\n\t\t"runtime": "python3.13"\r\n\t}\r\n}')

    assert text.startswith('{\r\n\t"dev": {\r\n\t\t"runtime": "python3.13",\r\n\t\t"lambda_handler"')
    assert text.count("\n") == text.count("\r\n")
    assert text.endswith("\t}\r\n}")


def test_a_project_without_zappa_gets_a_new_stage(tmp_path: Path) -> None:
    (stage,) = json.loads(zappa_file(project(tmp_path / "My Pies", "src"), "pies-dev").after).values()

    assert stage["project_name"] == "my-pies-web"
    assert stage["django_settings"] == "pies.settings"
    assert stage["s3_bucket"] == "pies-dev-zappa"
    assert stage["aws_environment_variables"] == {"PYTHONPATH": "/var/task/src"}
    assert stage["manage_roles"] is False
    assert "tests" in stage["exclude"]


def test_a_site_that_zappa_deploys_keeps_its_stages_regions_and_networks(tmp_path: Path) -> None:
    network = {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
    stages = {
        "production": {"aws_region": "eu-central-1", "vpc_config": network},
        "staging": {"extends": "production", "vpc_config": {}},
    }
    (tmp_path / "zappa_settings.json").write_text(json.dumps(stages))

    written = {change.path.name: change.after for change in infra_files(project(tmp_path), "lab-dev")}
    production, staging = (json.loads(written[f"{name}.json"]) for name in stages)

    assert set(written) == {"template.yaml", "production.json", "staging.json"}
    assert production["region"] == staging["region"] == "eu-central-1"
    assert production["vpc"] == {"subnets": ["subnet-1"], "security_groups": ["sg-1"]}
    assert staging["vpc"] is None


@pytest.mark.parametrize("ending", ["toml", "yml", "yaml"])
def test_settings_in_another_format_are_refused(tmp_path: Path, ending: str) -> None:
    (tmp_path / f"zappa_settings.{ending}").touch()

    with pytest.raises(
        ConfigurationError, match=rf"in zappa_settings\.{ending}\. Zappa would no longer read"
    ):
        zappa_file(project(tmp_path), "pies-dev")


@pytest.mark.parametrize("folder", ["pies", "pies-web"])
@pytest.mark.parametrize("stack", ["pies-dev", "pies-web-dev"])
def test_a_new_web_side_never_has_the_stacks_name(tmp_path: Path, folder: str, stack: str) -> None:
    (stage,) = json.loads(zappa_file(project(tmp_path / folder), stack).after).values()

    assert web_function(stage, "dev") != stack


@pytest.mark.parametrize("text", ["{", "[]", '{"dev": 1}'])
def test_an_invalid_file_is_refused_and_not_changed(tmp_path: Path, text: str) -> None:
    with pytest.raises(
        ConfigurationError, match=r"zappa_settings\.json is not .* Correct it, then try again"
    ):
        patch_file(tmp_path, text)
    with pytest.raises(ConfigurationError, match=r"Correct it, then try again"):
        infra_files(project(tmp_path), "lab-dev")

    assert (tmp_path / "zappa_settings.json").read_text() == text
