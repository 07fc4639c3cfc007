"""How much louder a partner speaks at this moment than that partner usually does.

Who competes for the floor comes in louder than usual and stays so until it is settled (P. French and
J. Local, "Turn-competitive incomings", 1983; E. Kurtić, G. J. Brown and B. Wells, "Resources for turn
competition in overlapping talk", 2013); who comes to an end gets softer.
"""

from __future__ import annotations

from dataclasses import dataclass

_RECENT_FRAMES = 10  # 0.3 s of own voice
_USUAL_FRAMES = 600  # 20 s: slow enough that one turn does not move it
_KNOWN_FRAMES = 150  # 5 s of own voice tell what is usual
_FORGET_FRAMES = 31  # 1 s of silence: what comes next is another burst


@dataclass(slots=True)
class Effort:
    """One partner's level in dB."""

    usual_db: float = 0.0
    recent_db: float = 0.0
    known: int = 0  # frames that taught the usual
    recent: int = 0  # frames in ``recent_db``, up to a full one
    silent: int = 0  # frames in a row without own voice

    def hear(self, frame_db: float, speaking: bool) -> None:
        """A frame's mean level; ``speaking`` where it certainly is this partner's voice."""
        if not speaking:
            self.silent += 1
            if self.silent >= _FORGET_FRAMES:
                self.recent = 0
            return
        self.silent = 0
        self.recent = min(self.recent + 1, _RECENT_FRAMES)
        self.recent_db += (frame_db - self.recent_db) / self.recent
        self.known = min(self.known + 1, _USUAL_FRAMES)
        self.usual_db += (frame_db - self.usual_db) / self.known

    @property
    def raised_db(self) -> float:
        """Over the usual, in the last 0.3 s of own voice; 0 where either is not known."""
        known = self.known >= _KNOWN_FRAMES and self.recent >= _RECENT_FRAMES // 2
        return self.recent_db - self.usual_db if known else 0.0
