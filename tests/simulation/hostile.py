"""Messages that no process of ours sent, of those that SQS takes."""

from tests.security.corpus.bodies import NOT_JSON, NOT_OURS

ALWAYS = (
    NOT_JSON["a blank"],
    NOT_OURS["null"],
    NOT_OURS["an empty list"],
    NOT_OURS["an empty object"],
    NOT_OURS["a version alone"],
    NOT_OURS["a later version without a key"],
    NOT_JSON["lists of 2,000 levels"],
    NOT_JSON["not a number"],
    NOT_JSON["a replaced character"],
    NOT_OURS["an unknown key"],
)


def bodies(text: str, task_id: str) -> list[str]:
    """Return hostile bodies, some of them made of a real message, `text`, of a real task."""
    return [
        *ALWAYS,
        text[:-3] + "00}",
        text.replace('"args":[]', '"args":[666]'),
        text.replace('"sig":"', '"sig":"0'),
        text.replace('"queue":"', '"queue":"x'),
        text + " ",
        f'{{"v":1,"kid":"ffffffff","id":"{task_id}","args":[666],"sig":"00"}}',
    ]
