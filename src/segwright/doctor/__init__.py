"""What is wrong with a configuration, its data and a checkpoint, found before time is lost on them.

Reader processes import this package: what needs torch is imported from its own file.
"""

from segwright.doctor.case import Case, examine, look
from segwright.doctor.finding import Finding, Level
from segwright.doctor.intake import Intake

__all__ = ["Case", "Finding", "Intake", "Level", "examine", "look"]
