"""Whether bytes are UTF-8."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

__all__ = ["is_utf8"]


def is_utf8(text: bytes | bytearray) -> bool:
    """Return whether the bytes are UTF-8, by Arrow's test: several times as fast as to decode them. At most 2 GiB."""
    bounds = pa.py_buffer(np.array([0, len(text)], np.int32))
    try:
        pa.Array.from_buffers(pa.string(), 1, [None, bounds, pa.py_buffer(text)]).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True
