"""What lasts: a study's folder with its database, its lock and its weights."""

from hptune.study.folder import default_path, find_study, move_aside, newest_study
from hptune.study.lock import StudyLock
from hptune.study.records import Ask, Identity, Pass, Progress, Tell
from hptune.study.store import Study

__all__ = [
    "Ask",
    "Identity",
    "Pass",
    "Progress",
    "Study",
    "StudyLock",
    "Tell",
    "default_path",
    "find_study",
    "move_aside",
    "newest_study",
]
