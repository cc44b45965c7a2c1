"""The web function's log, which forgets; the function itself is Zappa's."""

from typing import TYPE_CHECKING

from .functions import add_log_group
from .names import WEB
from .parameters import WEB_FUNCTION

if TYPE_CHECKING:
    from troposphere import Template


def add_web(template: "Template") -> None:
    from troposphere import Sub

    add_log_group(template, WEB, Sub(f"/aws/lambda/${{{WEB_FUNCTION}}}"))
