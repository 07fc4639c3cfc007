"""Errors that a person may read: each says what is wrong and offers a way out.

BreathmarkError
├── UnusableInput     a file, setting or message that cannot be used
├── Refused           somebody asked for what they may not have (carries a stable code)
├── StoreUnavailable  the timeline cannot be written just now
├── BusUnavailable    the bus cannot be reached just now
└── LeaseLost         another worker has the session now
"""

from __future__ import annotations


class BreathmarkError(Exception):
    """One clear line for a person, without a stack trace."""


class UnusableInput(BreathmarkError):
    """A file, setting or message that cannot be used. The command line exits 2 on it."""


class Refused(BreathmarkError):
    """A request that is turned away; ``code`` is stable for programs, the text is for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class StoreUnavailable(BreathmarkError):
    """The timeline cannot be written just now; nothing unacknowledged may be called done."""


class BusUnavailable(BreathmarkError):
    """The bus cannot be reached just now. What was to be sent may or may not have gone: send it again.

    Of many messages, ``unsent`` are the indices of those; None says all.
    """

    def __init__(self, message: str, unsent: frozenset[int] | None = None) -> None:
        super().__init__(message)
        self.unsent = unsent


class LeaseLost(BreathmarkError):
    """Another worker has the session now: stop, write nothing more of it."""
