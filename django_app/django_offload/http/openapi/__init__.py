"""The OpenAPI document of a project's tasks, made from its URLs."""

from .document import openapi_document

__all__ = ["openapi_document"]
