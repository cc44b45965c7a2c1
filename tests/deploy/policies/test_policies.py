"""Every call of every role is allowed, and every action that is allowed is called."""

import json
from dataclasses import replace

import pytest
from django.test import override_settings
from moto.iam.aws_managed_policies import aws_managed_policies_data

from django_offload.local.aws import local_aws, moto_server
from django_offload.local.aws.local_aws import LocalAWS
from django_offload.local.aws.queues import QueuesInProcess
from django_offload.local.aws.schedule import Schedule
from django_offload.local.environment import applied
from django_offload.local.lambda_.invoke_api import InvokeApi
from django_offload.stack import StageEnvironment, template_of
from django_offload.stack.names import SCHEDULER
from django_offload.stack.stage_environment import Vpc
from tests.contract.setup import tasks_setting
from tests.deploy.policies.calls import ACCOUNT, ACTING, NOBODY, AsDeployed, Call, Recorder, forget
from tests.deploy.policies.grants import Grant, Template
from tests.deploy.policies.story import Story
from tests.unit.stack.evaluate import Evaluated

pytestmark = pytest.mark.django_db(transaction=True)  # Without it there is no database of tests.

# No other test uses these: moto keeps its state by process, region and name, not by server.
REGION, STACK = "eu-west-3", "allowed"
SETTING = tasks_setting(
    modules=["tests.deploy.policies.tasks", "tests.integration.tasks"],
    stack=STACK,
    outbox=True,
    history=True,
    in_tests="send",
)
SETTING["default"]["OPTIONS"] |= {
    "schedules": {
        "hourly": {"task": "tests.integration.tasks.note", "when": "rate(1 hour)", "args": ["struck"]}
    }
}
# Scheduler keeps what it could not hand over; here it always can.
KEEPING = (SCHEDULER, "sqs:SendMessage")
FED = {"sqs:ReceiveMessage", "sqs:DeleteMessage"}
SECRETS = StageEnvironment(
    secrets={"SHOP_KEY": "ssm:/shop/key", "SHOP_DATABASE": "secretsmanager:rds!db-1:password"}
)


@pytest.fixture(scope="module")
def told(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Recorder:
    """Tell the whole story once, and return what was recorded."""
    recorder, patch = Recorder(REGION), pytest.MonkeyPatch()
    real = moto_server.with_serial_dynamodb
    patch.setattr(moto_server, "with_serial_dynamodb", lambda app: recorder.observing(real(app)))
    patch.setattr(QueuesInProcess, "call", recorder.polling(QueuesInProcess.call))
    patch.setattr(InvokeApi, "invoke", recorder.invoking(InvokeApi.invoke))
    patch.setattr(Schedule, "invoke", recorder.striking(Schedule.invoke))
    patch.setattr(local_aws, "InProcessInvoker", lambda: AsDeployed(recorder))
    with override_settings(TASKS=SETTING), django_db_blocker.unblock():  # type: ignore[attr-defined]
        templates = {STACK: template_of(STACK, stage_environment=SECRETS)}
        with LocalAWS(in_process=True, region=REGION, templates=templates) as aws:
            _prepare(aws, recorder)
            with applied({**aws.environment, "AWS_SESSION_TOKEN": ACTING}):
                forget()
                Story(aws, recorder, STACK).tell()
    forget()
    patch.undo()
    return recorder


def _prepare(aws: LocalAWS, recorder: Recorder) -> None:
    for mapping in aws.mappings:
        recorder.feeding[mapping.config.queue] = mapping.config.function_arn.rsplit(":", 1)[-1]
    aws.server.client("ssm").put_parameter(Name="/shop/key", Value="k", Type="SecureString")
    aws.server.client("secretsmanager").create_secret(
        Name="rds!db-1", SecretString='{"username": "u", "password": "d\\n"}'
    )


def template_with(stage_environment: StageEnvironment) -> Template:
    with override_settings(TASKS=SETTING):
        document = json.loads(template_of(STACK, stage_environment=stage_environment, as_json=True))
    return Template(Evaluated(document, BoardEnabled="true"), REGION)


@pytest.fixture(scope="module")
def template() -> Template:
    return template_with(SECRETS)


@pytest.fixture(scope="module")
def grants(template: Template) -> list[Grant]:
    return list(template.grants())


def test_no_role_does_what_it_may_not(told: Recorder, grants: list[Grant]) -> None:
    own = {call for call in told.calls if call.role != NOBODY}

    assert len(own) > 40
    assert sorted(call for call in own if not any(grant.covers(call) for grant in grants)) == []


def test_no_role_may_do_what_it_does_not(told: Recorder, grants: list[Grant]) -> None:
    """To each resource; the workers of all queues have the same code: what one of them does, all may."""
    unused = {
        (grant.role, grant.action, *grant.resources)
        for allowed in grants
        for grant in allowed.each()
        if allowed.policy != "runs"
        and (allowed.role, allowed.action) != KEEPING
        and not any(grant.covers(call) for call in (*told.calls, *_by_workers(told, grant)))
    }

    assert unused == set()


def test_lambda_does_as_a_role_what_only_it_does(told: Recorder, grants: list[Grant]) -> None:
    """What stands apart as Lambda's is not what the code calls as well."""
    feeding = [grant for grant in grants if grant.policy == "runs" and grant.action in FED]
    fed = {(call.role, call.action) for call in told.calls}

    assert len(feeding) == 6
    assert all((grant.role, grant.action) in fed for grant in feeding)


def test_scheduler_may_start_and_keep_what_its_schedules_name_and_nothing_else(
    told: Recorder, template: Template, grants: list[Grant]
) -> None:
    targets = [one["Target"] for one in template.of_type("AWS::Scheduler::Schedule")]
    named = {("lambda:InvokeFunction", template.arn(target["Arn"])) for target in targets} | {
        ("sqs:SendMessage", template.arn(target["DeadLetterConfig"]["Arn"])) for target in targets
    }
    granted = {
        (grant.action, *grant.resources)
        for allowed in grants
        for grant in allowed.each()
        if grant.role == SCHEDULER
    }

    assert {target["RoleArn"]["Fn::GetAtt"][0] for target in targets} == {"RoleScheduler"}
    assert granted == named
    assert {(call.action, call.resource) for call in told.calls if call.role == SCHEDULER} == {
        ("lambda:InvokeFunction", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{STACK}-sweeper:live")
    }


def test_lambda_may_do_in_a_network_what_awss_own_policy_for_it_says() -> None:
    """Nothing here has networks; what AWS publishes of its managed policy is in moto, with its date."""
    vpc = Vpc(subnets=["subnet-1"], security_groups=["sg-1"])
    managed = json.loads(aws_managed_policies_data)["AWSLambdaVPCAccessExecutionRole"]["Document"]
    (statement,) = managed["Statement"]
    awss = {action for action in statement["Action"] if not action.startswith("logs:")}

    ours = {
        (role, effect): {action for action in actions if action.startswith("ec2:")}
        for role, effect, actions in template_with(StageEnvironment(vpc=vpc)).statements()
        if any(action.startswith("ec2:") for action in actions)
    }

    roles = {role for role, _ in ours}
    assert len(roles) == 6  # Of two workers, dead letters, the sweeper, migrations and the web.
    assert ours == {(role, effect): awss for role in roles for effect in ("Allow", "Deny")}


def _by_workers(told: Recorder, grant: Grant) -> list[Call]:
    """Return what any worker did, as done by the one that this is granted to, if it is one."""
    if not grant.role.endswith("-worker"):
        return []
    return [replace(call, role=grant.role) for call in told.calls if call.role.endswith("-worker")]
