"""Translate beat's schedules to those of AWS."""

import ast
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_FIELDS = ("minute", "hour", "day_of_week", "day_of_month", "month_of_year")  # As crontab() orders them.
_CRONTAB = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")  # As a crontab has them.
_RANGES = {
    "minute": range(60),
    "hour": range(24),
    "day_of_week": range(7),
    "day_of_month": range(1, 32),
    "month_of_year": range(1, 13),
}
_MOST = 9999  # A rate has at most four digits.


def when(node: ast.expr, constants: Mapping[str, Any]) -> str | None:
    """Return beat's schedule as AWS writes it, or None if AWS can't do it or it isn't known."""
    if isinstance(node, ast.Call):
        name = ast.unparse(node.func).rpartition(".")[2]
        if name == "crontab":
            return cron(node, constants)
        if ast.unparse(node.func).endswith("crontab.from_string"):
            return cron_of_text(node, constants)
        if name == "timedelta":
            return rate_of_timedelta(node, constants)
        if name == "schedule":
            every = node.args[0] if node.args else named(node).get("run_every")
            return when(every, constants) if every is not None else None
        return None
    seconds = literal(node, constants)
    return rate(seconds) if isinstance(seconds, int | float) and not isinstance(seconds, bool) else None


def rate(seconds: float) -> str | None:
    """Return a rate. Return None if it isn't a whole number of minutes, or too long."""
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        count, rest = divmod(seconds, length)
        if rest == 0 and 1 <= count <= _MOST:
            return f"rate({count:.0f} {unit}{'' if count == 1 else 's'})"
    return None


def rate_of_timedelta(node: ast.Call, constants: Mapping[str, Any]) -> str | None:
    names = ("days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks")
    given = dict(zip(names, node.args, strict=False)) | named(node)
    values = {name: literal(value, constants) for name, value in given.items()}
    if set(values) - set(names) or not all(isinstance(value, int | float) for value in values.values()):
        return None
    return rate(timedelta(**values).total_seconds())


def cron(node: ast.Call, constants: Mapping[str, Any]) -> str | None:
    """Return crontab(…) as AWS's six fields, or None."""
    given = dict(zip(_FIELDS, node.args, strict=False)) | named(node)
    if set(given) - set(_FIELDS) - {"nowfun", "app"}:
        return None
    return cron_of({name: literal(value, constants) for name, value in given.items()})


def cron_of_text(node: ast.Call, constants: Mapping[str, Any]) -> str | None:
    """Return crontab.from_string(…) as AWS's six fields, or None."""
    text = literal(node.args[0], constants) if len(node.args) == 1 else None
    texts = text.split() if isinstance(text, str) else []
    if len(texts) != len(_CRONTAB) or set(named(node)) - {"nowfun", "app"}:
        return None
    return cron_of(dict(zip(_CRONTAB, texts, strict=True)))


def cron_of(values: Mapping[str, Any]) -> str | None:
    """Return the fields of crontab(), by their names, as AWS's six fields, or None."""
    fields: dict[str, str] = {}
    for name in _FIELDS:
        value = values.get(name, "*")
        text = cron_field(name, value)
        if text is None:
            return None
        fields[name] = text
    if "*" not in {fields["day_of_month"], fields["day_of_week"]}:
        return None  # For Celery both must match, and AWS takes only one.
    if fields["day_of_week"] == "*":
        fields["day_of_week"] = "?"
    else:
        fields["day_of_month"] = "?"
    return f"cron({' '.join(fields[name] for name in _CRONTAB)} *)"


def cron_field(name: str, value: Any) -> str | None:
    """Return a field of crontab() as AWS writes it: `*`, or the numbers or days that it means."""
    valid = _RANGES[name]
    if isinstance(value, int) and not isinstance(value, bool):
        parts = [str(value)]
    elif isinstance(value, str):
        parts = value.replace(" ", "").split(",")
    elif isinstance(value, list | tuple | set):
        parts = [str(part) for part in value]
    else:
        return None
    numbers: set[int] = set()
    for part in parts:
        expanded = expand(part, name, valid)
        if expanded is None:
            return None
        numbers |= expanded
    if numbers == set(valid):
        return "*"
    if not numbers <= set(valid):
        return None
    return ",".join(_DAYS[number] if name == "day_of_week" else str(number) for number in sorted(numbers))


def expand(part: str, name: str, valid: range) -> set[int] | None:
    """Return the numbers that a part such as `*/15`, `mon-fri` or `1-5/2` means."""
    text, _, step_text = part.partition("/")
    if "/" in part and not step_text.isdigit():
        return None
    step = int(step_text or 1)
    if step == 0:
        return None
    if text == "*":
        return set(valid[::step])
    first_text, dash, last_text = text.partition("-")
    first = number(first_text, name)
    last = number(last_text, name) if dash else first
    if first is None or last is None:
        return None
    if not dash:
        return {first} if step_text == "" else None  # Celery refuses 7/2.
    # A range such as fri-mon goes round the end.
    numbers = (
        [*range(first, last + 1)]
        if first <= last
        else [*range(first, valid.stop), *range(valid.start, last + 1)]
    )
    return set(numbers[::step])


def number(text: str, name: str) -> int | None:
    if text.isdigit():
        return int(text)
    short = text[:3].upper()
    if name == "day_of_week" and short in _DAYS:
        return _DAYS.index(short)
    if name == "month_of_year" and short in _MONTHS:
        return _MONTHS.index(short) + 1
    return None


def named(node: ast.Call) -> dict[str, ast.expr]:
    return {keyword.arg or "**": keyword.value for keyword in node.keywords}


def literal(node: ast.expr, constants: Mapping[str, Any]) -> Any:
    """Return the value of a literal, a constant of the module or a product of these; otherwise Ellipsis."""
    if isinstance(node, ast.Name):
        return constants.get(node.id, ...)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Add | ast.Sub | ast.Div):
        left, right = literal(node.left, constants), literal(node.right, constants)
        if not isinstance(left, int | float) or not isinstance(right, int | float):
            return ...
        match node.op:
            case ast.Mult():
                return left * right
            case ast.Add():
                return left + right
            case ast.Sub():
                return left - right
        return left / right if right else ...
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return ...
