"""The web function's log, which forgets; the function itself is Zappa's."""

from typing import TYPE_CHECKING

from .functions import add_log_group
from .names import WEB
from .parameters import WEB_FUNCTION
from .plan import Plan

if TYPE_CHECKING:
    from troposphere import Template


# A site that Zappa has deployed before has this log already: it is taken into the stack, and outlives it.
_KEPT = {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}


def add_web(template: "Template", plan: Plan) -> None:
    from troposphere import Sub

    place = plan.place
    name = Sub(f"/aws/lambda/${{{WEB_FUNCTION}}}") if place is None else f"/aws/lambda/{place.web_function}"
    add_log_group(template, WEB, name, **_KEPT)
