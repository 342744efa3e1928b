"""What is wrong with a configuration, its data and a checkpoint, found before time is lost on them."""

from segwright.doctor.brief import brief_look
from segwright.doctor.case import Case, examine
from segwright.doctor.finding import Finding, Level
from segwright.doctor.intake import Intake
from segwright.doctor.mend import mend
from segwright.doctor.pace import Pace, measure_pace

__all__ = ["Case", "Finding", "Intake", "Level", "Pace", "brief_look", "examine", "measure_pace", "mend"]
