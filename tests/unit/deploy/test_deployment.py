"""What a deployment checks before it changes anything."""

import json
from types import SimpleNamespace

import pytest

from django_offload.deploy.errors import BadStage, NotDeployed, StackStuck, WrongStage
from django_offload.deploy.release import change_set, deployed_stack
from django_offload.deploy.release.deployment import Deployment
from django_offload.deploy.release.releases import Release
from django_offload.exceptions import ConfigurationError
from django_offload.stack.stage_environment import StageEnvironment, Vpc


@pytest.fixture
def rolled_back(monkeypatch):
    """Return a deployment of a stack whose creation was rolled back, and the stacks that it deletes."""
    deployment, deleted = Deployment.__new__(Deployment), []
    deployment.aws, deployment.stage, deployment.announce = (
        SimpleNamespace(),
        SimpleNamespace(stack="shop-dev"),
        print,
    )
    deployment.releases = SimpleNamespace(url=lambda key: f"https://{key}")
    monkeypatch.setattr(deployment, "delete_stack", lambda: deleted.append("shop-dev"))
    monkeypatch.setattr(deployed_stack, "stack_status", lambda aws, stack: "ROLLBACK_COMPLETE")
    monkeypatch.setattr(change_set, "create", lambda *args, **options: None)
    return deployment, deleted


def deployment_of_prod(**description):
    """Return a deployment of the stage prod to the only stack that AWS has."""
    deployment = Deployment.__new__(Deployment)
    stack = {"StackStatus": "UPDATE_COMPLETE", **description}
    client = SimpleNamespace(describe_stacks=lambda StackName: {"Stacks": [stack]})
    deployment.aws = SimpleNamespace(client=lambda service: client)
    deployment.stage = SimpleNamespace(name="prod", stack="shop-dev")
    return deployment


def tag(key, value):
    return [{"Key": key, "Value": value}]


@pytest.mark.parametrize(
    ("tags", "owner"),
    [
        (tag("offload:stage", "dev"), "the stage 'dev'"),
        (tag("ZappaProject", "shop-dev"), "Zappa's API Gateway"),
    ],
)
@pytest.mark.parametrize("deletes", [False, True])
def test_the_stack_of_another_stage_is_refused(tags, owner, deletes):
    with pytest.raises(WrongStage) as caught:
        deployment_of_prod(Tags=tags).check_stack(deletes=deletes)

    text = (
        f"The stack shop-dev belongs to {owner}, and the stage 'prod' would replace it. Nothing was changed."
    )
    assert str(caught.value).startswith(text)
    assert "os.environ.get('OFFLOAD_STAGE', 'dev')" in str(caught.value)


def test_a_stage_may_change_its_own_stack():
    deployment_of_prod(Tags=tag("offload:stage", "prod")).check_stack()


def test_the_release_of_another_stage_is_refused():
    deployment = deployment_of_prod()
    deployment.releases = SimpleNamespace(current=lambda: RELEASE)

    with pytest.raises(WrongStage, match="the stage 'dev'"):
        deployment.previous_release()


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        ("UPDATE_IN_PROGRESS", "Wait until CloudFormation has finished"),
        ("UPDATE_ROLLBACK_FAILED", "aws cloudformation continue-update-rollback --stack-name shop-dev"),
        ("DELETE_FAILED", "offload_deploy --stage prod --delete"),
        ("ROLLBACK_FAILED", "offload_deploy --stage prod --delete"),
    ],
)
def test_a_stack_that_accepts_no_change_says_what_to_do(status, remedy):
    deployment = deployment_of_prod(StackStatus=status)

    with pytest.raises(StackStuck) as caught:
        deployment.check_stack()
    assert str(caught.value).startswith(f"The stack shop-dev is {status}. ")
    assert remedy in str(caught.value)
    deployment.check_stack(deletes=True)


def test_a_stack_after_a_dry_run_accepts_changes():
    deployment_of_prod(StackStatus="REVIEW_IN_PROGRESS").check_stack()


RELEASE = Release(id="1", stage="dev", code_key="code", template_key="template")


def test_a_dry_run_deletes_nothing(rolled_back):
    deployment, deleted = rolled_back

    with pytest.raises(NotDeployed, match=r"creation that was rolled back\. Deploy without --dry-run"):
        deployment.change(RELEASE, dry_run=True)
    assert deleted == []


def test_a_rolled_back_stack_is_deleted_before_it_is_created_again(rolled_back):
    deployment, deleted = rolled_back
    deployment.stage.name = "dev"

    deployment.change(RELEASE)

    assert deleted == ["shop-dev"]


def test_a_web_side_with_the_stacks_name_is_refused(tmp_path):
    (tmp_path / "zappa_settings.json").write_text(json.dumps({"dev": {"project_name": "Shop"}}))

    with pytest.raises(BadStage) as caught:
        deployment_in(tmp_path)

    assert "'dev' 'shop-dev', which is also the name of the tasks' stack" in str(caught.value)
    assert 'Set "project_name": "Shop-web" in zappa_settings.json' in str(caught.value)


def test_a_web_side_in_a_vpc_without_its_workers_is_refused(tmp_path):
    settings = {"project_name": "shop-web", "vpc_config": {"SubnetIds": ["subnet-1"]}}
    (tmp_path / "zappa_settings.json").write_text(json.dumps({"dev": settings}))

    with pytest.raises(BadStage, match=r'the workers are not in that VPC\. Name .* as "vpc" in the stage'):
        deployment_in(tmp_path)
    deployment_in(tmp_path, vpc=Vpc(subnets=("subnet-1",), security_groups=("sg-1",)))


def test_variables_that_no_function_holds_are_refused_before_anything_changes(tmp_path, settings):
    backend = "django_offload.backends.SQSBackend"
    settings.TASKS = {"default": {"BACKEND": backend, "OPTIONS": {"stack": "shop-dev"}}}
    zappa = {"project_name": "shop-web", "aws_environment_variables": {"LONG": "x" * 3_900}}
    (tmp_path / "zappa_settings.json").write_text(json.dumps({"dev": zappa}))
    deployment = deployment_in(tmp_path)
    deployment.aws = SimpleNamespace(account="123456789012", region="eu-north-1")

    with pytest.raises(BadStage) as caught:
        deployment.check_limits(web=True)

    assert "The web function of the stack 'shop-dev' would have up to 4," in str(caught.value)
    assert "bytes of variables, and Lambda takes 4,096. The stack's own take " in str(caught.value)
    deployment.check_limits(web=False)
    deployment.stage.stage_environment = StageEnvironment(environment={"LONG": "x" * 3_900})
    with pytest.raises(ConfigurationError, match="The functions of the stack 'shop-dev' would have up to 4,"):
        deployment.check_limits(web=False)


def deployment_in(root, vpc=None):
    stage = SimpleNamespace(name="dev", stack="shop-dev", stage_environment=StageEnvironment(vpc=vpc))
    aws = SimpleNamespace(client=lambda service: None)
    return Deployment(aws, stage, SimpleNamespace(root=root), print)
