"""Rewrite a project's code from Celery or Zappa, without importing or changing it. The result is a diff."""

from .report import ORIGINS, Report, report

__all__ = ["ORIGINS", "Report", "report"]
