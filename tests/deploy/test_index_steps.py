"""Changes of the table's indexes and shards, which a deployment makes one after the other, or refuses."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from django_offload.deploy.errors import ChangeTooEarly
from django_offload.deploy.package.archive import Archive
from django_offload.deploy.release import deployment as module
from django_offload.deploy.release.deployment import Deployment
from django_offload.local.aws.local_aws import LocalAWS
from django_offload.management.commands import offload_deploy
from django_offload.protocol.record import PROJECTED
from django_offload.protocol.shards import Band, history_partition
from django_offload.stack.layout import Layout
from tests.unit.management.commands import run

from .stacks import REGION, deploy, deployment_of, package

TABLE = "lab-dev-tasks"
HISTORIES: tuple[bool | str, ...] = (False, True, "both", "sharded")
# The index that each value of OPTIONS["history"] has besides `due`.
INDEXES = {
    False: set(),
    True: {"history"},
    "both": {"history", "history-sharded"},
    "sharded": {"history-sharded"},
}
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
    assert command(codes["many"], "--dry-run")[0] == 0, "a new stack has no other sweeper"

    choose(shards=2)
    deploy_release_0_1_0(deployment, codes["old"])
    choose(shards=32)
    refusal = (
        "The stack lab-dev runs a sweeper that reads 2 shards, and OPTIONS['shards'] is 32. No rollback would "
        "find the tasks that the others hold. Nothing was changed. Deploy once with OPTIONS['shards'] = 2. "
        "Then set it to 32 and deploy again."
    )
    assert command(codes["many"]) == (2, refusal)

    choose(shards=2)
    assert command(codes["two"])[0] == 0
    choose(shards=32)
    assert command(codes["many"])[0] == 0
    assert command(None, "--rollback")[0] == 0, "that release writes to 2 shards, and reads 64"
    refused = command(None, "--rollback")
    assert refused == (
        2,
        "The stack lab-dev can't roll back to a sweeper that reads 2 shards. OPTIONS['shards'] is 32. Nothing "
        "was changed. Set OPTIONS['shards'] to 2 and deploy. Roll back when the tasks in the other shards have "
        "moved or ended.",
    )

    choose(shards=2)
    for number, band in enumerate(Band):
        put(aws, number, due_shard=band.value + number, due_at=1)
    code, said = command(None, "--rollback")
    assert (code, said[:107]) == (
        2,
        "The stack lab-dev can't roll back yet: 2 shards that the older sweeper doesn't read hold tasks that "
        "wait or",
    )
    for number in (0, 1):
        delete(aws, number)
    put(aws, 0, due_shard=0, due_at=1)
    code, said = command(None, "--rollback")
    assert code == 0
    assert (
        "  2 shards hold dead letters and failed tasks that the older release doesn't list. They are" in said
    )
    assert aws.server.package_of("lab-dev-sweeper") == codes["old"].path.read_bytes()


def test_a_deployed_option_above_two_refuses_the_rollback_as_well(
    deployment: Deployment, tmp_path: Path, choose: Choose, command: Callable[..., Any]
) -> None:
    deploy_release_0_1_0(deployment, package(tmp_path, "old"))
    choose(shards=8)
    deploy(deployment_of(tmp_path), package(tmp_path, "many"))
    choose(shards=2)

    assert "The deployed OPTIONS['shards'] is 8. Nothing was changed." in command(None, "--rollback")[1]


@pytest.mark.parametrize("history", HISTORIES)
def test_each_step_of_the_history_deploys_fresh_and_leads_to_the_next(
    aws: LocalAWS,
    deployment: Deployment,
    tmp_path: Path,
    choose: Choose,
    command: Callable[..., Any],
    history: bool | str,
) -> None:
    choose(history=history)
    code = package(tmp_path, "one")
    assert command(code)[0] == 0

    table = aws.server.client("dynamodb").describe_table(TableName=TABLE)["Table"]
    indexes = {
        index["IndexName"]: index["Projection"]["NonKeyAttributes"]
        for index in table["GlobalSecondaryIndexes"]
    }
    assert indexes.keys() == {"due"} | INDEXES[history]
    for name, attributes in indexes.items():
        assert set(attributes) == {name_ for name_ in PROJECTED if name == "due" or name_ != "enqueued_at"}

    allowed = set()
    for other in HISTORIES:
        choose(history=other)
        try:
            deployment.check_steps()
        except ChangeTooEarly as refusal:
            assert "deletes one in an update. Nothing was changed. Deploy with OPTIONS['history'] = " in str(
                refusal
            )
        else:
            allowed.add(other)
    assert allowed == {other for other in HISTORIES if len(INDEXES[other] ^ INDEXES[history]) <= 1}


def test_the_older_history_stays_until_the_newer_lists_every_record(
    aws: LocalAWS, deployment: Deployment, tmp_path: Path, choose: Choose, command: Callable[..., Any]
) -> None:
    choose(history="both")
    code = package(tmp_path, "one")
    deploy(deployment, code)
    choose(history="sharded")
    for number in range(120):
        put(
            aws,
            number,
            alias="default",
            enqueued_at=number + 1,
            listed=history_partition("default", number % 4),
        )
    deployment.check_steps()

    put(aws, 999, alias="default", enqueued_at=10_000)
    assert command(code) == (
        2,
        "The stack lab-dev has records of 'default' that only the index history lists, among the newest. Nothing "
        "was changed. Restart every process that still has older settings. Keep OPTIONS['history'] = 'both' "
        "until these records are deleted, which DynamoDB does within days of their result_ttl. Then deploy "
        "again.",
    )
    delete(aws, 999)
    put(aws, 998, alias="default", enqueued_at=0)
    with pytest.raises(ChangeTooEarly, match="among the oldest. Nothing was changed. Keep OPTIONS"):
        deployment.check_steps()
    choose(history=True)
    deployment.check_steps()  # The way back deletes the newer index.
