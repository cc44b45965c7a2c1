"""offload_deploy reads the settings again with its stage, whichever program calls it."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from django_offload.management.commands.offload_deploy import Command, own_arguments


def test_any_program_can_call_it(capfd: pytest.CaptureFixture[str]) -> None:
    out, errors = StringIO(), StringIO()

    with pytest.raises(SystemExit) as ended:
        call_command("offload_deploy", "--stage", "nowhere", "--dry-run", stdout=out, stderr=errors)

    assert ended.value.code == 2
    assert errors.getvalue().strip().endswith("Create it with manage.py offload_init.")
    assert "infra/nowhere.json: It cannot be read" in errors.getvalue()
    assert out.getvalue() == ""
    assert capfd.readouterr() == ("", "")


def test_the_other_process_gets_the_same_options() -> None:
    arguments = ["--stage", "prod", "--delete", "--with-data", "--no-web", "--skip-checks", "--yes", "--json"]
    parser = Command().create_parser("manage.py", "offload_deploy")
    options = vars(parser.parse_args([*arguments, "--package", "a.zip", "--verbosity", "2"]))

    again = vars(parser.parse_args(own_arguments(options)))

    assert again == options
    assert again["package"] == Path("a.zip")
