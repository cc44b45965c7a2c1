"""Messages that no process of ours sent, of those that SQS takes."""

from functools import cache

NESTED = "[" * 2_000 + "]" * 2_000


@cache
def _always() -> tuple[str, ...]:
    return (
        " ",
        "null",
        "[]",
        "{}",
        '{"v":1}',
        '{"v":99,"kid":"00000000"}',
        NESTED,
        '{"a":NaN}',
        "\t\ufffd\U0010ffff",
        '{"v":1,"kid":"00000000","id":"x","sig":"00"}',
    )


def bodies(text: str, task_id: str) -> list[str]:
    """Return hostile bodies, some of them made of a real message, `text`, of a real task."""
    return [
        *_always(),
        text[:-3] + "00}",
        text.replace('"args":[]', '"args":[666]'),
        text.replace('"sig":"', '"sig":"0'),
        text.replace('"queue":"', '"queue":"x'),
        text + " ",
        f'{{"v":1,"kid":"ffffffff","id":"{task_id}","args":[666],"sig":"00"}}',
    ]
