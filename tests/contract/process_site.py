"""A site whose tasks change their process, and what its log says of them."""

from typing import Any

from tests.contract.setup import tasks_setting


def process_tasks_setting(at_a_time: int = 1) -> dict[str, Any]:
    """Return TASKS, with batches of ten messages of which `at_a_time` are worked on at a time."""
    return tasks_setting(
        modules=["tests.contract.process_tasks", "tests.contract.changing_tasks"],
        queues={"default": {"concurrency": at_a_time, "batch_size": 10}},
        bucket=None,
    )


def work(site, *results):
    """Run the tasks; return what each returned, or the classes of its errors."""
    site.run()
    for result in results:
        result.refresh()
    return [
        result.return_value
        if result.status == "SUCCESSFUL"
        else [error.exception_class_path.rpartition(".")[2] for error in result.errors]
        for result in results
    ]


def changes_told(caplog):
    """Return what the log says that tasks changed."""
    told = [record.getMessage() for record in caplog.records if "was put back" in record.getMessage()]
    return [text.partition(" changed ")[2].partition(" of its process")[0] for text in told]
