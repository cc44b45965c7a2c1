"""A deployment's look ahead, and what it may change."""

import json
from types import SimpleNamespace

import pytest

from django_offload.deploy.errors import BadStage, NotDeployed, StackStuck, WrongStage
from django_offload.deploy.release import change_set, deployment
from django_offload.deploy.release.deployment import Deployment
from django_offload.stack.stage_environment import StageEnvironment, Vpc


@pytest.fixture
def undone(monkeypatch):
    """Return a deployment of a stack whose creation was undone, and what it deletes."""
    made, deleted = Deployment.__new__(Deployment), []
    made.aws, made.stage, made._say = SimpleNamespace(), SimpleNamespace(stack="shop-dev"), print
    made.releases = SimpleNamespace(url=lambda key: f"https://{key}")
    monkeypatch.setattr(made, "_delete_stack", lambda: deleted.append("shop-dev"))
    monkeypatch.setattr(change_set, "status_of", lambda aws, stack: "ROLLBACK_COMPLETE")
    monkeypatch.setattr(change_set, "make", lambda *args, **asked: None)
    return made, deleted


def standing_there(**said):
    """Return a deployment of the stage prod, over the one stack that AWS has."""
    made = Deployment.__new__(Deployment)
    stack = {"StackStatus": "UPDATE_COMPLETE", **said}
    client = SimpleNamespace(describe_stacks=lambda StackName: {"Stacks": [stack]})
    made.aws = SimpleNamespace(client=lambda service: client)
    made.stage = SimpleNamespace(name="prod", stack="shop-dev")
    return made


def tagged(key, value):
    return [{"Key": key, "Value": value}]


@pytest.mark.parametrize(
    ("tags", "whose"),
    [
        (tagged("offload:stage", "dev"), "the stage 'dev'"),
        (tagged("ZappaProject", "shop-dev"), "Zappa's API Gateway"),
    ],
)
@pytest.mark.parametrize("deletes", [False, True])
def test_the_stack_of_another_stage_is_left_alone(tags, whose, deletes):
    with pytest.raises(WrongStage) as caught:
        standing_there(Tags=tags).look(deletes=deletes)

    said = f"The stack shop-dev is that of {whose}; the stage 'prod' would replace it. Nothing was changed."
    assert str(caught.value).startswith(said)
    assert "os.environ.get('OFFLOAD_STAGE', 'dev')" in str(caught.value)


def test_a_stage_may_change_its_own_stack():
    standing_there(Tags=tagged("offload:stage", "prod")).look()


def test_the_release_of_another_stage_is_left_alone():
    made = standing_there()
    made.releases = SimpleNamespace(current=lambda: RELEASE)

    with pytest.raises(WrongStage, match="the stage 'dev'"):
        made.before()


@pytest.mark.parametrize(
    ("status", "way_out"),
    [
        ("UPDATE_IN_PROGRESS", "Wait until CloudFormation has ended"),
        ("UPDATE_ROLLBACK_FAILED", "aws cloudformation continue-update-rollback --stack-name shop-dev"),
        ("DELETE_FAILED", "offload_deploy --stage prod --delete"),
        ("ROLLBACK_FAILED", "offload_deploy --stage prod --delete"),
    ],
)
def test_a_stack_that_takes_no_change_says_what_brings_it_back(status, way_out):
    made = standing_there(StackStatus=status)

    with pytest.raises(StackStuck) as caught:
        made.look()
    assert str(caught.value).startswith(f"The stack shop-dev is {status}. ")
    assert way_out in str(caught.value)
    made.look(deletes=True)


def test_a_stack_that_was_only_looked_at_takes_changes():
    standing_there(StackStatus="REVIEW_IN_PROGRESS").look()


RELEASE = deployment.Release(id="1", stage="dev", code_key="code", template_key="template")


def test_a_look_deletes_nothing(undone):
    made, deleted = undone

    with pytest.raises(NotDeployed, match=r"undone creation left\. Deploy without --dry-run"):
        made.change(RELEASE, look=True)
    assert deleted == []


def test_a_deployment_makes_an_undone_stack_anew(undone):
    made, deleted = undone
    made.stage.name = "dev"

    made.change(RELEASE)

    assert deleted == ["shop-dev"]


def test_a_web_side_that_zappa_would_put_in_the_place_of_the_stack_is_refused(tmp_path):
    (tmp_path / "zappa_settings.json").write_text(json.dumps({"dev": {"project_name": "Shop"}}))

    with pytest.raises(BadStage) as caught:
        made_in(tmp_path)

    assert "'dev' 'shop-dev', as the stack of the tasks is named" in str(caught.value)
    assert 'Set "project_name": "Shop-web" in zappa_settings.json' in str(caught.value)


def test_a_web_side_in_a_network_whose_workers_are_in_none_is_refused(tmp_path):
    settings = {"project_name": "shop-web", "vpc_config": {"SubnetIds": ["subnet-1"]}}
    (tmp_path / "zappa_settings.json").write_text(json.dumps({"dev": settings}))

    with pytest.raises(BadStage, match=r'that the workers are not in\. Name .* as "vpc" in the stage'):
        made_in(tmp_path)
    made_in(tmp_path, vpc=Vpc(subnets=("subnet-1",), security_groups=("sg-1",)))


def made_in(root, vpc=None):
    stage = SimpleNamespace(name="dev", stack="shop-dev", surroundings=StageEnvironment(vpc=vpc))
    aws = SimpleNamespace(client=lambda service: None)
    return Deployment(aws, stage, SimpleNamespace(root=root), print)
