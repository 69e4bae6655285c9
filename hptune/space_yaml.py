"""Search spaces as files that people read and write."""

from __future__ import annotations

from hptune.space_dict import space_from_dict, space_to_dict

__all__ = ["space_from_dict", "space_to_dict"]
