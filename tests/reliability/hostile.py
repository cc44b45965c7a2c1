"""Bodies that no worker may trust, made of one that it may; SQS takes them all."""

import json


def hostile_bodies(good: str) -> list[str]:
    """Return at least forty bodies: not JSON, not ours, not signed, changed on their way, or made to hurt."""
    return [*_not_json(), *_not_ours(), *_changed(good)]


def _not_json() -> list[str]:
    return [
        "\n",
        " ",
        "x",
        "{",
        "}",
        "[",
        '"',
        "{'v':1}",
        '{"v":1,}',
        "nul",
        "NaN",
        "Infinity",
        "\\0",
        "\ufffd",
        "[" * 100_000,
        '{"a":' * 50_000,
        "1" * 5_000,
        '{"v":1e999}',
        "<xml/>",
        "gASVCAAAAAAAAACMBHRlc3SULg==",
    ]


def _not_ours() -> list[str]:
    return [
        "{}",
        "[]",
        "null",
        "true",
        "0",
        '"text"',
        '{"v":1}',
        '{"v":2,"sig":"","kid":""}',
        '{"v":"1","sig":"00","kid":"00"}',
        '{"v":1,"sig":null,"kid":null}',
        '{"v":1,"sig":[],"kid":{}}',
        '{"v":1,"kid":"00000000","sig":"00"}',
        '{"v":1,"kid":"\\u00e9","sig":"\\u00e9"}',
        '{"v":1,"v":1}',
        json.dumps({"Records": [{"body": "{}"}]}),
    ]


def _changed(good: str) -> list[str]:
    fields = json.loads(good) if good != "{}" else {}
    changes: list[dict[str, object]] = [
        {"name": "os.system"},
        {"name": None},
        {"args": [99]},
        {"kwargs": {"number": 1}},
        {"id": "0" * 32},
        {"queue": "reports"},
        {"alias": "other"},
        {"expires_at": 10**18},
        {"depth": -1},
        {"options": {"timeout": 10**9}},
        {"sig": "0" * 64},
        {"kid": "ffffffff"},
        {"v": 2},
        {"more": True},
    ]
    texts = [json.dumps({**fields, **change}, separators=(",", ":")) for change in changes]
    return [*texts, good + " ", good[:-1], " " + good, json.dumps(fields, indent=1) + "\n"]
