"""The package's logger: silent unless someone listens."""

from __future__ import annotations

import logging

__all__ = ["logger"]

logger = logging.getLogger("hptune")
logger.addHandler(logging.NullHandler())
