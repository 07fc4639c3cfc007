"""Arrays inside JSON: base64 of little-endian bytes with type and shape, exact to the bit."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray


def pack(array: NDArray[Any]) -> dict[str, Any]:
    little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    return {"type": little.dtype.str, "shape": list(array.shape), "data": base64.b64encode(little.tobytes()).decode()}


def unpack(packed: dict[str, Any]) -> NDArray[Any]:
    """The array that ``pack`` was given; writable."""
    data = base64.b64decode(packed["data"])
    array = np.frombuffer(data, dtype=packed["type"]).reshape(packed["shape"])
    return array.astype(array.dtype.newbyteorder("="))
