"""Checks before a search: are gradients right, can the model learn, what fits into memory?"""

from hptune.check.report import Finding, Report, Section, Verdict
from hptune.check.run import run_checks

__all__ = ["Finding", "Report", "Section", "Verdict", "run_checks"]
