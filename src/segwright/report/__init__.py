"""A run as one self-contained HTML page. No torch."""

from segwright.report.data import Check, ClassScores, Command, GalleryRow, ReportData, RunLog, Tile
from segwright.report.log import read_log
from segwright.report.page import write_report

__all__ = [
    "Check",
    "ClassScores",
    "Command",
    "GalleryRow",
    "ReportData",
    "RunLog",
    "Tile",
    "read_log",
    "write_report",
]
