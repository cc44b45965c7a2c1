"""The response of every page of the board."""

from django.template.response import TemplateResponse

from ..logs.escaping import printable


class PageResponse(TemplateResponse):
    """A page that can be sent whatever it shows, because an argument or an error may contain any text."""

    @property
    def rendered_content(self) -> str:
        return printable(super().rendered_content)
