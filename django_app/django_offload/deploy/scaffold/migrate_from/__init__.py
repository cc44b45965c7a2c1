"""Find what a project must change to leave Celery or Zappa, without importing or changing it."""

from .comments import comment_lines
from .report import ORIGINS, Report, report

__all__ = ["ORIGINS", "Report", "comment_lines", "report"]
