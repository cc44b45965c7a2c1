"""The five fields of a crontab, in the words of AWS."""


def aws_expression(five_fields: str) -> str:
    """Return AWS's expression for five fields. Raise ValueError if there is none."""
    fields = five_fields.split()
    if len(fields) != 5:
        raise ValueError(f"it has {len(fields)} fields. Write five: minute, hour, day, month, weekday")
    minute, hour, day, month, weekday = fields
    if day != "*" and weekday != "*":
        raise ValueError("AWS takes no day of month together with a day of week. Write '*' for one of them")
    if weekday == "*":
        weekday = "?"
    else:
        day = "?"
    return f"cron({minute} {hour} {day} {month} {weekday} *)"
