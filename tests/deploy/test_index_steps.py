"""Changes of the table's indexes and shards, which a deployment makes one after the other, or refuses."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from django_offload.deploy.errors import ChangeTooEarly
from django_offload.deploy.package.archive import Archive
from django_offload.deploy.release import deployment as module
from django_offload.deploy.release.deployment import Deployment
from django_offload.deploy.release.index_shards import Shards, check_rollback
from django_offload.deploy.release.table_indexes import check_change
from django_offload.local.aws.local_aws import LocalAWS
from django_offload.management.commands import offload_deploy
from django_offload.protocol.record import NEVER_CHANGED, PROJECTED
from django_offload.protocol.shards import Band, history_partition
from django_offload.stack.layout import Layout
from django_offload.stores.listing import DUE, HISTORY, SHARDED_HISTORY
from tests.unit.management.commands import run

from .stacks import REGION, deploy, package

TABLE = "lab-dev-tasks"
HISTORIES: tuple[bool | str, ...] = (False, True, "both", "sharded")
# The index that each value of OPTIONS["history"] has besides `due`.
INDEXES = {
    False: set(),
    True: {"history"},
    "both": {"history", "history-sharded"},
    "sharded": {"history-sharded"},
}
# The value between two that differ by more than one index.
STEPS = {"both": {True, "sharded"}, "sharded": {False, "both"}}
Choose = Callable[..., None]


@pytest.fixture
def choose(settings: Any) -> Choose:
    """Return what gives the stack other OPTIONS. It has one queue, because templates take their time."""

    def change(**options: object) -> None:
        entry = {"BACKEND": "django_offload.backends.SQSBackend", "OPTIONS": {"stack": "lab-dev", **options}}
        settings.TASKS = {"default": entry}

    change()
    return change


@pytest.fixture
def command(deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Return what runs the command for the stage dev, and returns its exit code and output."""
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "dev.json").write_text(json.dumps({"region": REGION}))
    place = Layout(root=tmp_path, source=tmp_path, settings_module="config.settings")
    monkeypatch.setattr(offload_deploy, "layout", lambda: place)
    monkeypatch.setenv("OFFLOAD_STAGE", "dev")
    always = ("offload_deploy", "--skip-checks", "--no-web", "--no-migrate", "--yes")

    def run_command(code: Archive | None = None, *arguments: str) -> tuple[int, str]:
        return run(*always, *(["--package", str(code.path)] if code else []), *arguments)

    return run_command


def deploy_release_0_1_0(deployment: Deployment, code: Archive) -> None:
    """Deploy a template whose sweeper doesn't say how many shards it reads, as those up to 0.1.0."""
    with pytest.MonkeyPatch.context() as patch:
        made = module.template_of
        patch.setattr(
            module,
            "template_of",
            lambda *arguments, **more: "".join(
                line for line in made(*arguments, **more).splitlines(True) if "OFFLOAD_SHARDS" not in line
            ),
        )
        deploy(deployment, code)


def indexes(aws: LocalAWS) -> dict[str, set[str]]:
    """Return what each index of the table contains besides keys."""
    table = aws.server.client("dynamodb").describe_table(TableName=TABLE)["Table"]
    return {
        index["IndexName"]: set(index["Projection"]["NonKeyAttributes"])
        for index in table["GlobalSecondaryIndexes"]
    }


def create_table(aws: LocalAWS, contents: Mapping[str, Sequence[str]]) -> None:
    """Create the table with these indexes, as an earlier stack left it."""
    keys = {index.name: (index.partition, index.instant) for index in (DUE, HISTORY, SHARDED_HISTORY)}
    kinds = {
        "id": "S",
        "part": "S",
        "due_shard": "N",
        "alias": "S",
        "listed": "S",
        "due_at": "N",
        "enqueued_at": "N",
    }
    used = {"id", "part", *(name for index in contents for name in keys[index])}

    def schema(names: tuple[str, str]) -> list[dict[str, str]]:
        return [
            {"AttributeName": name, "KeyType": kind}
            for name, kind in zip(names, ("HASH", "RANGE"), strict=True)
        ]

    aws.server.client("dynamodb").create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=schema(("id", "part")),
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": kinds[name]} for name in sorted(used)],
        GlobalSecondaryIndexes=[
            {
                "IndexName": name,
                "KeySchema": schema(keys[name]),
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(attributes)},
            }
            for name, attributes in contents.items()
        ],
    )


def put(aws: LocalAWS, task_id: int, **attributes: int | str) -> None:
    item = {"id": f"{task_id:032x}", "part": "record", **attributes}
    kinds = {int: "N", str: "S"}
    aws.server.client("dynamodb").put_item(
        TableName=TABLE, Item={name: {kinds[type(value)]: str(value)} for name, value in item.items()}
    )


def delete(aws: LocalAWS, task_id: int) -> None:
    key = {"id": {"S": f"{task_id:032x}"}, "part": {"S": "record"}}
    aws.server.client("dynamodb").delete_item(TableName=TABLE, Key=key)


def test_more_shards_wait_until_the_sweeper_to_roll_back_to_reads_them(
    aws: LocalAWS, deployment: Deployment, tmp_path: Path, choose: Choose, command: Callable[..., Any]
) -> None:
    codes = {name: package(tmp_path, name) for name in ("old", "two", "many")}
    choose(shards=32)
    deployment.check_steps()  # A new stack has no other sweeper.

    choose(shards=2)
    deploy_release_0_1_0(deployment, codes["old"])
    choose(shards=32)
    assert command(codes["many"]) == (
        2,
        "The stack lab-dev runs a sweeper that reads 2 shards, and OPTIONS['shards'] is 32. No rollback "
        "would find the tasks in the others. Nothing was changed. Deploy once with OPTIONS['shards'] = 2. "
        "Then set it to 32 and deploy again.",
    )

    choose(shards=2)
    deploy(deployment, codes["two"])
    choose(shards=32)
    assert command(codes["many"])[0] == 0
    assert command(None, "--rollback")[0] == 0, "that release writes to 2 shards, and reads 64"
    assert command(None, "--rollback") == (
        2,
        "The stack lab-dev can't roll back to a sweeper that reads 2 shards. OPTIONS['shards'] is 32. "
        "Nothing was changed. Set OPTIONS['shards'] to 2 and deploy. Roll back when the tasks in the other "
        "shards have moved or ended.",
    )

    choose(shards=2)
    for number, band in enumerate(Band):
        put(aws, number, due_shard=band.value + number, due_at=1)
    assert command(None, "--rollback") == (
        2,
        "The stack lab-dev can't roll back yet: 2 shards that the older sweeper doesn't read hold tasks that "
        "wait or run. Nothing was changed. Roll back when these have ended. With OPTIONS['shards'] at 2, a "
        "task also moves when the sweeper looks at it, which is 14 minutes before the start of a deferred "
        "one.",
    )
    for number in (0, 1):
        delete(aws, number)
    put(aws, 0, due_shard=0, due_at=1)
    exit_code, said = command(None, "--rollback")
    assert exit_code == 0
    assert (
        "  2 shards hold dead letters and failed tasks that the older release doesn't list. They are" in said
    )
    assert aws.server.package_of("lab-dev-sweeper") == codes["old"].path.read_bytes()


def test_a_deployed_option_above_two_refuses_the_rollback_as_well() -> None:
    live, old = Shards(written=8, read=64), Shards.of({"OFFLOAD_STACK": "lab-dev"})

    with pytest.raises(ChangeTooEarly, match=r"reads 2 shards\. The deployed OPTIONS\['shards'\] is 8\. "):
        check_rollback("lab-dev", live, old, 2)

    check_rollback("lab-dev", live, Shards.of({"OFFLOAD_SHARDS": "2/64"}), 2)
    check_rollback("lab-dev", Shards(written=1, read=64), old, 1)


@pytest.mark.parametrize("history", HISTORIES)
def test_each_step_of_the_history_deploys_fresh_and_leads_to_the_next(
    aws: LocalAWS, deployment: Deployment, tmp_path: Path, choose: Choose, history: bool | str
) -> None:
    choose(history=history)
    deploy(deployment, package(tmp_path, "one"))

    assert indexes(aws).keys() == {"due"} | INDEXES[history]
    for name, attributes in indexes(aws).items():
        assert attributes == {other for other in PROJECTED if name == "due" or other != "enqueued_at"}

    refused = {}
    for other in HISTORIES:
        choose(history=other)
        try:
            deployment.check_steps()
        except ChangeTooEarly as refusal:
            refused[other] = str(refusal)
    assert refused.keys() == {other for other in HISTORIES if len(INDEXES[other] ^ INDEXES[history]) > 1}
    for other, text in refused.items():
        ((between, _),) = [(step, ways) for step, ways in STEPS.items() if {history, other} == ways]
        assert text.endswith(
            f"two differ for OPTIONS['history'] = {other!r}, and CloudFormation creates or deletes one in an "
            f"update. Nothing was changed. Deploy with OPTIONS['history'] = {between!r} first."
        )


def test_a_rollback_takes_one_step_of_the_history_as_well(
    aws: LocalAWS, deployment: Deployment, tmp_path: Path, choose: Choose, command: Callable[..., Any]
) -> None:
    """moto doesn't change a table, so the table still has the indexes of the first release."""
    choose(history=True)
    deploy(deployment, package(tmp_path, "one"))
    aws.server.client("dynamodb").delete_table(TableName=TABLE)
    create_table(aws, {"due": NEVER_CHANGED, "history-sharded": NEVER_CHANGED})
    deploy(deployment, package(tmp_path, "two"))

    exit_code, said = command(None, "--rollback")

    assert exit_code == 2
    assert said.endswith("Nothing was changed. Deploy with OPTIONS['history'] = 'both' first.")


def test_a_table_that_an_earlier_stack_left_keeps_its_indexes(
    aws: LocalAWS, deployment: Deployment, choose: Choose
) -> None:
    create_table(aws, {"due": NEVER_CHANGED, "history": NEVER_CHANGED})
    choose(history="both")

    with pytest.raises(ChangeTooEarly) as refusal:
        deployment.check_steps()

    assert str(refusal.value) == (
        "The stack lab-dev needs other indexes than the table lab-dev-tasks has, which an earlier stack "
        "left. CloudFormation takes that table as it is. Nothing was changed. Deploy with "
        "OPTIONS['history'] = True first. Then change it and deploy again."
    )
    choose(history=True)
    deployment.check_steps()
    assert deployment.parameters_for("code")["WideIndexes"] == "false", "an index can't take more attributes"
    aws.server.client("dynamodb").delete_table(TableName=TABLE)
    assert deployment.parameters_for("code")["WideIndexes"] == "true"


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"IndexStatus": "CREATING"}, "CREATING"),
        ({"IndexStatus": "CREATING", "Backfilling": True}, "being filled"),
        ({"IndexStatus": "DELETING"}, "DELETING"),
    ],
)
def test_no_index_changes_while_another_does(state: dict[str, Any], said: str) -> None:
    """As DynamoDB describes it; moto's indexes are there at once."""
    indexes = [
        {"IndexName": "due", "IndexStatus": "ACTIVE"},
        {"IndexName": "history", "IndexStatus": "ACTIVE"},
        {"IndexName": "history-sharded", **state},
        {"IndexName": "of-the-project", "IndexStatus": "UPDATING"},
    ]
    table = {"TableName": TABLE, "GlobalSecondaryIndexes": indexes}

    with pytest.raises(ChangeTooEarly) as refusal:
        check_change("lab-dev", table, ("due", "history-sharded"), imports=False)

    assert str(refusal.value) == (
        "The stack lab-dev needs other indexes than the table lab-dev-tasks has, and its index "
        f"history-sharded is {said}. Nothing was changed. Wait until aws dynamodb describe-table "
        "--table-name lab-dev-tasks shows it as ACTIVE, and not as Backfilling. Then deploy again."
    )
    check_change("lab-dev", table, ("due", "history", "history-sharded"), imports=False)


def test_the_older_history_stays_until_the_newer_lists_every_record(
    aws: LocalAWS, deployment: Deployment, tmp_path: Path, choose: Choose, command: Callable[..., Any]
) -> None:
    choose(history="both")
    code = package(tmp_path, "one")
    deploy(deployment, code)
    choose(history="sharded")
    for number in range(120):
        listed = history_partition("default", number % 4)
        put(aws, number, alias="default", enqueued_at=number + 1, listed=listed)
    deployment.check_steps()

    put(aws, 999, alias="default", enqueued_at=10_000)
    assert command(code) == (
        2,
        "The stack lab-dev has records of 'default' that only the index history lists, among the newest. "
        "Nothing was changed. Restart every process that still has older settings. Keep OPTIONS['history'] = "
        "'both' until these records are deleted, which DynamoDB does within days of their result_ttl. Then "
        "deploy again.",
    )
    delete(aws, 999)
    put(aws, 998, alias="default", enqueued_at=0)
    with pytest.raises(ChangeTooEarly, match=r"among the oldest\. Nothing was changed\. Keep OPTIONS"):
        deployment.check_steps()
    choose(history=True)
    deployment.check_steps()  # The way back deletes the newer index.
