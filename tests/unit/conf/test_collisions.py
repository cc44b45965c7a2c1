"""Queues, functions and schedules that would be one resource in AWS are refused, across aliases too."""

import pytest

from tests.unit.conf.test_any_settings import BACKEND, FULL, SCHEDULE, messages_of, replaced


@pytest.mark.parametrize(
    ("queues", "others", "names"),
    [
        (["queue-1"], ["queue_1"], "'queue-1' and 'queue_1'"),
        (["mail"], ["Mail"], "'mail' and 'Mail'"),
        (["mail"], ["mail-dead"], "'mail' and 'mail-dead'"),
        (["mail-dead"], ["mail"], "'mail-dead' and 'mail'"),
        (["mail-policy"], ["mail"], "'mail-policy' and 'mail'"),
        (["a-b", "c"], ["d", "aB"], "'a-b' and 'aB'"),
    ],
)
def test_queues_of_two_aliases_that_collide_in_their_stack_are_refused(
    queues: list[str], others: list[str], names: str
) -> None:
    tasks = {
        "default": {"BACKEND": BACKEND, "QUEUES": queues, "OPTIONS": {"stack": "shop-dev"}},
        "other": {"BACKEND": BACKEND, "QUEUES": others, "OPTIONS": {"stack": "shop-dev"}},
    }

    (message,) = [message for message in messages_of(tasks) if message.id == "django_offload.E009"]

    assert message.msg == f"TASKS['default']: The queues {names} would be one resource in AWS."
    # In stacks of their own, or in one alias, the same queues are no problem, or one of that alias.
    tasks["other"]["OPTIONS"] = {"stack": "shop-two"}
    assert not [message for message in messages_of(tasks) if message.id == "django_offload.E009"]
    tasks = {"default": {**tasks["default"], "QUEUES": [*queues, *others]}}
    assert [message.id for message in messages_of(tasks)].count("django_offload.E003") == 1


def test_contradictions_are_found_beside_an_entry_and_a_module_that_are_broken() -> None:
    tasks = replaced(FULL, ("other", "OPTIONS"), {"stack": "shop-dev", "table": "others"})
    tasks = replaced(tasks, ("default", "OPTIONS", "modules"), ["tests.unit.gone"])

    ids = [message.id for message in messages_of({**tasks, "broken": {}})]

    assert {"django_offload.E007", "django_offload.E008", "django_offload.E009"} <= set(ids)


def test_functions_that_share_a_name_are_refused() -> None:
    tasks = replaced(FULL, ("default", "OPTIONS", "functions"), {"sweeper": "shop-dev-dead-letter"})

    (message,) = [message for message in messages_of(tasks) if message.id == "django_offload.E009"]

    assert (
        "The roles 'dead-letter' and 'sweeper' would share the function 'shop-dev-dead-letter'."
        in message.msg
    )


def test_schedules_that_share_a_logical_id_are_refused() -> None:
    both = {"nightly-run": SCHEDULE, "nightly_run": SCHEDULE}
    tasks = replaced(FULL, ("default", "OPTIONS", "schedules"), both)

    (message,) = [message for message in messages_of(tasks) if message.id == "django_offload.E009"]

    assert "The schedules 'nightly-run' and 'nightly_run' would be one resource in AWS." in message.msg
