"""The settings of the demo, with schedules for the board to show. Hardly ever one comes during a test."""

from config.settings import *  # noqa: F403
from config.settings import TASKS

RATES = "lab.tasks.exchange_rates"
TASKS["default"]["OPTIONS"]["schedules"] = {
    "nightly-rates": {
        "task": RATES,
        "when": "cron(0 3 * * ? *)",
        "timezone": "America/New_York",
        "args": [0],
        "overlap": "skip",
    },
    "a-schedule-whose-name-is-as-long-as-names-may-be": {
        "task": RATES,
        "when": "rate(12 hours)",
        "args": [0],
    },
}
