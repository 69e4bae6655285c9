"""What lasts: a study's folder with its database, its lock and its weights."""

from hptune.study.folder import STUDIES, default_path, find_study, last_written, move_aside, newest_study
from hptune.study.lock import StudyLock
from hptune.study.records import Ask, Confirmation, Identity, Pass, Progress, Tally, Tell
from hptune.study.store import Study

__all__ = [
    "STUDIES",
    "Ask",
    "Confirmation",
    "Identity",
    "Pass",
    "Progress",
    "Study",
    "StudyLock",
    "Tally",
    "Tell",
    "default_path",
    "find_study",
    "last_written",
    "move_aside",
    "newest_study",
]
