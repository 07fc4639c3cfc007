"""How likely an undecided overlap is to end as an interruption."""

from __future__ import annotations

import math

from detectors.overlap import Overlap
from streaming.types import INTERRUPTION_KINDS, SAMPLE_RATE_HZ


def p_interruption(o: Overlap) -> float:
    """0 to 1: the longer both speak and go on, the likelier."""
    if o.together:
        return 0.0
    if o.ruled is not None:
        return 0.9 if o.ruled in INTERRUPTION_KINDS else 0.05
    return 1.0 / (1.0 + math.exp(1.6 - 1.8 * o.heard / SAMPLE_RATE_HZ))
