"""How a practice stands, said by its home for gateways that only need to know."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, ValidationError

from gateway.protocol import Phase
from streaming.errors import UnusableInput


class Standing(BaseModel):
    """``fence``: the lease of the home that said so."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    phase: Phase
    fence: int

    def packed(self) -> bytes:
        return self.model_dump_json().encode()


def read_standing(payload: bytes) -> Standing:
    """Raises UnusableInput."""
    try:
        return Standing.model_validate_json(payload)
    except ValidationError as error:
        raise UnusableInput(f"not a practice's standing: {error}") from None
