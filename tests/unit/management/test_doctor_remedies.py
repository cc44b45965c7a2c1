"""The doctor's remedies name the stage of a stack, if the project has stages."""

from types import SimpleNamespace

import pytest

from django_offload.management.doctor import finding


@pytest.fixture
def stages(tmp_path, monkeypatch):
    """Return a function that gives the project some stages. AWS isn't local."""
    monkeypatch.setattr(finding, "is_local_aws", lambda: False)
    monkeypatch.setattr(finding, "layout", lambda: SimpleNamespace(root=tmp_path))
    monkeypatch.delenv("OFFLOAD_STAGE", raising=False)
    (tmp_path / "infra").mkdir()

    def have(*names):
        for name in names:
            (tmp_path / "infra" / f"{name}.json").write_text("{}")

    return have


@pytest.mark.parametrize(
    ("stage_variable", "stack", "stage"),
    [(None, "shop-prod", "prod"), ("prod", "shop", "prod"), ("dev", "shop-prod", "dev")],
)
def test_a_stack_of_a_stage_is_deployed_by_its_stage(stages, monkeypatch, stage_variable, stack, stage):
    stages("dev", "prod")
    if stage_variable:
        monkeypatch.setenv("OFFLOAD_STAGE", stage_variable)

    assert finding.deploy_remedy(stack) == f"Deploy the stack: manage.py offload_deploy --stage {stage}."
    assert finding.deploy_remedy(stack, Paused="false", MappingsEnabled="true") == (
        f"Set Paused to false and MappingsEnabled to true in infra/{stage}.json, then deploy the stack: "
        f"manage.py offload_deploy --stage {stage}."
    )


def test_a_stack_of_no_stage_is_deployed_by_its_template(stages):
    stages("dev")

    assert finding.deploy_remedy("shop") == (
        "Deploy the stack: manage.py offload_template --stack shop --output template.yaml, then "
        "aws cloudformation deploy --stack-name shop --template-file template.yaml "
        "--capabilities CAPABILITY_IAM."
    )
    assert finding.deploy_remedy("shop", Paused="false").endswith(
        "CAPABILITY_IAM --parameter-overrides Paused=false."
    )


def test_what_a_function_said_is_read_where_it_runs(stages, monkeypatch):
    assert finding.log_remedy("shop-dead-letter") == (
        "Read its log: aws logs tail /aws/lambda/shop-dead-letter --since 1d."
    )
    monkeypatch.setattr(finding, "is_local_aws", lambda: True)
    assert finding.log_remedy("shop-dead-letter") == (
        "Read its log in the terminal of manage.py offload_local."
    )
