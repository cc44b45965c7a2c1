"""A stack that AWS would refuse because it is too large is refused before anything is built."""

import re

import pytest

from django_offload.conf import QueueOptions, aws_limits
from django_offload.conf.schedules import Recurrence
from django_offload.exceptions import ConfigurationError
from django_offload.stack import DeploymentTarget, StageEnvironment, Vpc, build_template, template_limits
from django_offload.stack.spec import merge_options
from django_offload.stack.template import complete_template
from tests.unit.stack.examples import evaluated, options

STAGE = StageEnvironment(
    environment={"SITE": "shop"},
    secrets={"DATABASE_URL": "ssm:/shop/database"},
    vpc=Vpc(subnets=("subnet-1",), security_groups=("sg-1",)),
    target=DeploymentTarget(account="123456789012", region="eu-north-1", web_function="shop-dev"),
)
EVERY_HOUR = Recurrence(task="shop.tasks.report", when="rate(1 hour)")


def queues(count, **changes):
    return {f"queue{number}": QueueOptions(**changes) for number in range(count)}


def spec(count=1, *, schedules=0, pollers=None, stage_environment=None, **changes):
    recurrences = {f"schedule{number}": EVERY_HOUR for number in range(schedules)}
    return merge_options(
        [options(queues=queues(count, pollers=pollers), schedules=recurrences, **changes)],
        attempts={},
        settings_module="shop.settings",
        result_ttl=options().result_ttl,
        stage_environment=stage_environment or StageEnvironment(),
    )


@pytest.mark.parametrize(
    ("count", "changes"),
    [
        (1, {}),
        (2, {}),
        (3, {"schedules": 1}),
        (1, {"schedules": 4, "bucket": None}),
        (2, {"transport": "lambda"}),
        (2, {"history": True, "outbox": True}),
        (1, {"stage_environment": STAGE}),
        (2, {"pollers": (2, 10)}),
    ],
)
def test_the_resources_of_a_template_are_counted_without_building_it(count, changes):
    plan = spec(count, **changes)
    template = complete_template(plan)

    counted = template_limits.totals(plan)

    assert counted == {
        "resources": len(template.resources),
        "parameters": len(template.parameters),
        "outputs": len(template.outputs),
    }


def test_a_queue_needs_16_resources_and_28_queues_fit_with_everything_else():
    whole = {"history": True, "outbox": True, "schedules": 3}

    assert [
        len(complete_template(spec(count + 1, **whole)).resources)
        - len(complete_template(spec(count, **whole)).resources)
        for count in (1, 2)
    ] == [16, 16]
    assert len(complete_template(spec(28, **whole)).resources) <= aws_limits.TEMPLATE_RESOURCES


def test_too_many_queues_are_refused_with_what_the_stack_needs():
    most = next(count for count in range(1, 60) if template_limits.totals(spec(count))["resources"] > 480)
    while template_limits.totals(spec(most))["resources"] <= aws_limits.TEMPLATE_RESOURCES:
        try:
            spec(most + 1)
        except ConfigurationError as exc:
            refusal = exc
            break
        most += 1

    assert len(complete_template(spec(most)).resources) <= aws_limits.TEMPLATE_RESOURCES
    assert re.fullmatch(
        rf"The stack 'shop-dev' needs 5\d\d resources for its {most + 1} queues and 0 schedules, and "
        r"CloudFormation takes 500 in a template\.",
        refusal.problem,
    )
    assert refusal.hint == template_limits.SMALLER


def test_the_variables_of_a_function_are_not_larger_than_counted():
    functions = evaluated(options(queues=queues(3))).of_type("Lambda::Function").values()
    plan = merge_options(
        [options(queues=queues(3))],
        attempts={},
        settings_module="shop.settings",
        result_ttl=options().result_ttl,
    )

    counted = template_limits.function_variables(plan)

    for function in functions:
        variables = function["Environment"]["Variables"]
        assert variables.keys() == counted.keys()
        # What only CloudFormation knows is a dictionary.
        known = {name: value for name, value in variables.items() if isinstance(value, str)}
        assert len(known.pop("OFFLOAD_RELEASE")) <= len(counted["OFFLOAD_RELEASE"])
        assert known.keys() >= {"OFFLOAD_STACK", "PYTHONPATH", "DJANGO_SETTINGS_MODULE"}
        assert {name: counted[name] for name in known} == known


def test_more_variables_than_lambda_takes_are_refused():
    fits = StageEnvironment(environment={"LONG": "x" * 3_000})
    too_many = StageEnvironment(environment={"LONG": "x" * 4_000})

    assert spec(stage_environment=fits).environment == fits.environment
    with pytest.raises(
        ConfigurationError, match=r"would have up to 4,\d\d\d bytes of variables, and Lambda"
    ) as refusal:
        spec(stage_environment=too_many)
    assert "Move long values of the stage's file" in refusal.value.hint


def test_a_template_that_is_too_long_is_refused(monkeypatch):
    monkeypatch.setattr(aws_limits, "TEMPLATE_BYTES", 10_000)

    with pytest.raises(ConfigurationError, match=r"has \d\d,\d\d\d bytes, and CloudFormation takes 10,000\."):
        build_template([options()])
