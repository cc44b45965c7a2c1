"""What a project's code needs when its tasks come from elsewhere: found by reading it, shown as a diff."""

from .report import ORIGINS, Report, report

__all__ = ["ORIGINS", "Report", "report"]
