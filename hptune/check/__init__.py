"""Checks before a search: are gradients right, can the model learn, what fits into memory?"""

from hptune.check.report import CheckFinding, CheckReport, CheckSection, CheckVerdict
from hptune.check.run import run_checks

__all__ = ["CheckFinding", "CheckReport", "CheckSection", "CheckVerdict", "run_checks"]
