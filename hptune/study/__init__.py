"""What lasts: a study's folder with its database, its lock and its weights."""

from hptune.study.folder import STUDIES, archive, default_path, find_study, last_written, newest_study
from hptune.study.lock import StudyLock
from hptune.study.records import Ask, Confirmation, Identity, JobProgress, Pass, Report, Tally
from hptune.study.store import Study

__all__ = [
    "STUDIES",
    "Ask",
    "Confirmation",
    "Identity",
    "JobProgress",
    "Pass",
    "Report",
    "Study",
    "StudyLock",
    "Tally",
    "archive",
    "default_path",
    "find_study",
    "last_written",
    "newest_study",
]
