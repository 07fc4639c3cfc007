"""Sessions and links in the store. A link's token is shown once; only its hash is kept."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from typing import Any, cast

from pydantic import TypeAdapter
from sqlalchemy import Select, delete, exists, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coach.practice import Card
from gateway.practice import rooms
from gateway.practice.holdings import SCOPE
from gateway.practice.learnt import Learnt
from gateway.practice.rooms import Room
from gateway.protocol import Role
from streaming.engine import reading, writing
from streaming.errors import LeaseLost, Refused, StoreUnavailable
from streaming.schema import fences, links, sessions

TOKEN_BYTES = 24  # 192 bits: not to be guessed
SESSION_BYTES = 10
PROBE_S = 5.0  # balancers ask every few seconds, and anybody may: no more than so often is it worth a sync
_PROBE = "check"  # no session is called so
_LEARNT = TypeAdapter(Learnt)
ROLES: tuple[Role, ...] = ("a", "b", "observer", "report")


@dataclass(frozen=True, slots=True)
class Link:
    """What a token stands for."""

    session: str
    role: Role


@dataclass(frozen=True, slots=True)
class NewSession:
    """The only moment at which the tokens are known in clear."""

    session: str
    tokens: dict[Role, str]


@dataclass(frozen=True, slots=True)
class Record:
    """A stored session. ``report`` is its report token, kept because it is shown again at the end."""

    session: str
    created_unix: float
    began_unix: float | None = None
    ended_unix: float | None = None
    room: Room = field(default_factory=Room)
    demo: bool = False
    report: str = ""
    learnt: Learnt | None = None  # for the couple's next practice, while both want it kept


class Registry:
    """Reads and writes sessions and links. Raises StoreUnavailable where the store cannot."""

    def __init__(self, engine: AsyncEngine, unix_now: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._unix_now = unix_now
        self._took_s = -PROBE_S  # when the store last took what ``check`` wrote

    async def create(self, demo: bool = False, card: Card | None = None, *, neutral_s: float = 0.0) -> NewSession:
        new = _new_session()
        async with self._writing() as connection:
            await self._insert(connection, new, Room(card=card, neutral_s=neutral_s), demo=demo)
        return new

    async def create_after(self, session: str, next_room: Callable[[Record], Room]) -> NewSession | None:
        """The couple's next practice. What was learnt moves to it. None where there is one already."""
        new = _new_session()
        tie = {"token_hash": _after(session), "session": new.session, "role": "after"}
        query = select(sessions).where(sessions.c.session == session).with_for_update()
        try:
            async with self._writing() as connection:
                await connection.execute(insert(links).values(**tie))
                # Read here, where nobody changes it meanwhile: what one has just taken back must not move on.
                before = _record((await connection.execute(query)).one())
                await self._insert(connection, new, next_room(before), learnt=before.learnt)
                await _update(connection, replace(before, learnt=None, room=replace(before.room, learnt=False)))
        except StoreUnavailable as error:
            if isinstance(error.__cause__, IntegrityError):
                return None
            raise
        return new

    async def after(self, session: str) -> str | None:
        """The practice that the couple had after this one, if any."""
        row = await self._first(select(links.c.session).where(links.c.token_hash == _after(session)))
        return None if row is None else str(row.session)

    async def renew(self, session: str, role: Role) -> str:
        """A link to a seat that nobody has taken; earlier ones are void. Raises Refused ``link_in_use``."""
        seat = (links.c.session == session) & (links.c.role == role)
        token = secrets.token_urlsafe(TOKEN_BYTES)
        async with self._writing() as connection:
            # Written first: SQLite refuses to write in a transaction that has read what changed meanwhile.
            await connection.execute(delete(links).where(seat & links.c.device_hash.is_(None)))
            if (await connection.execute(select(links.c.role).where(seat))).first() is not None:
                raise Refused("link_in_use", "Your side of the next practice is already open on a device.")
            row = {"token_hash": hashed(token), "session": session, "role": role}
            await connection.execute(insert(links).values(**row))
        return token

    async def _insert(
        self,
        connection: AsyncConnection,
        new: NewSession,
        room: Room,
        *,
        demo: bool = False,
        learnt: Learnt | None = None,
    ) -> None:
        record = Record(new.session, self._unix_now(), room=room, demo=demo, report=new.tokens["report"], learnt=learnt)
        rows = [
            {"token_hash": hashed(token), "session": new.session, "role": role} for role, token in new.tokens.items()
        ]
        await connection.execute(insert(sessions).values(_row(record)))
        await connection.execute(insert(links), rows)

    async def find(self, token: str) -> Link:
        """Raises Refused ``unknown_link``."""
        row = await self._first(select(links.c.session, links.c.role).where(links.c.token_hash == hashed(token)))
        if row is None:
            raise Refused("unknown_link", "This link is not known here.")
        return Link(row.session, cast(Role, row.role))

    async def owned(self, token: str, device: str) -> bool:
        """Whether this very device has used the link before."""
        row = await self._first(select(links.c.device_hash).where(links.c.token_hash == hashed(token)))
        return row is not None and row.device_hash == hashed(device)

    async def claim(self, token: str, device: str) -> None:
        """The first device to use a link owns it; raises Refused ``link_in_use`` to any other."""
        mine = (links.c.token_hash == hashed(token)) & (
            links.c.device_hash.is_(None) | (links.c.device_hash == hashed(device))
        )
        async with self._writing() as connection:
            claimed = await connection.execute(update(links).where(mine).values(device_hash=hashed(device)))
        if claimed.rowcount == 0:
            raise Refused("link_in_use", "This link is already used on another device.")

    async def load(self, session: str) -> Record:
        row = await self._first(select(sessions).where(sessions.c.session == session))
        if row is None:
            raise Refused("unknown_link", "The practice of this link is not known here.")
        return _record(row)

    async def save(self, record: Record, *, fence: int | None = None) -> None:
        """Returns once the record is on disk. Raises LeaseLost where a home with a higher ``fence`` has it."""
        async with self._writing() as connection:
            if not await _update(connection, record, fence):
                raise LeaseLost(f"session {record.session} has another home now")

    async def hold(self, session: str, fence: int) -> None:
        """From now on no home with a lower ``fence`` writes to the session. Raises LeaseLost where one is higher."""
        async with self._writing() as connection:
            upward = fences.c.fence <= fence
            held = (await connection.execute(self._fence(session + SCOPE, fence, upward))).first()
        if held is None:
            raise LeaseLost(f"session {session} has another home now")

    def _fence(self, name: str, fence: int, where: Any = None) -> Any:
        """Sets it; gives no row where it is there already and ``where`` does not hold."""
        new = {"sqlite": sqlite, "postgresql": postgresql}[self._engine.dialect.name].insert(fences)
        put = new.on_conflict_do_update(index_elements=["session"], set_={"fence": fence}, where=where)
        return put.returning(fences.c.fence).values(session=name, fence=fence)

    async def confirm(self, session: str, role: Role, token_hash: str, device_hash: str) -> None:
        """That somebody may sit there: the link is this role's, the device its own. Raises Refused ``unknown_link``."""
        seat = (links.c.token_hash == token_hash) & (links.c.session == session) & (links.c.role == role)
        if role != "observer":
            seat &= links.c.device_hash == device_hash
        if await self._first(select(links.c.session).where(seat)) is None:
            raise Refused("unknown_link", "This link is not known here.")

    async def running(self) -> list[str]:
        """Sessions that have begun and not ended, the newest first: to be gone on with after a restart."""
        query = (
            select(sessions.c.session)
            .where(sessions.c.ended_unix.is_(None), sessions.c.began_unix.is_not(None))
            .order_by(sessions.c.created_unix.desc())
        )
        async with reading(self._engine, "the list of sessions") as connection:
            return list((await connection.execute(query)).scalars())

    async def check(self) -> None:
        """Raises StoreUnavailable where the store cannot be read, or takes nothing, such as on a full disk."""
        await self._first(select(sessions.c.session).limit(1))
        now_s = time.monotonic()
        if now_s - self._took_s > PROBE_S:
            async with self._writing() as connection:
                await connection.execute(self._fence(_PROBE, int(self._unix_now())))
            self._took_s = now_s

    async def expire(self, created_before_unix: float, live: Sequence[str] = ()) -> int:
        """Ends the sessions that never began, are older than this and not ``live``; returns how many."""
        stale = sessions.c.began_unix.is_(None) & sessions.c.ended_unix.is_(None)
        stale &= (sessions.c.created_unix < created_before_unix) & sessions.c.session.not_in(live)
        async with self._writing() as connection:
            done = await connection.execute(update(sessions).where(stale).values(ended_unix=self._unix_now()))
        return done.rowcount

    def _writing(self) -> AbstractAsyncContextManager[AsyncConnection]:
        return writing(self._engine, "the list of sessions")

    async def _first(self, query: Select[Any]) -> Any:
        """The first row, or None."""
        async with reading(self._engine, "the list of sessions") as connection:
            return (await connection.execute(query)).first()


def hashed(secret: str) -> str:
    """SHA-256 is enough here: tokens are 192 random bits, so there is nothing to guess from a hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _after(session: str) -> str:
    """Where the practice after this one is found. No token's hash looks like it, so it opens nothing."""
    return f"after:{session}"


def _new_session() -> NewSession:
    return NewSession(secrets.token_hex(SESSION_BYTES), {role: secrets.token_urlsafe(TOKEN_BYTES) for role in ROLES})


async def _update(connection: AsyncConnection, record: Record, fence: int | None = None) -> bool:
    """False where somebody else writes to the session by now."""
    query = update(sessions).where(sessions.c.session == record.session).values(_row(record))
    if fence is not None:
        higher = (fences.c.session == record.session + SCOPE) & (fences.c.fence > fence)
        query = query.where(~exists().where(higher))
    return (await connection.execute(query)).rowcount > 0


def _row(record: Record) -> dict[str, Any]:
    payload = {"room": rooms.to_state(record.room), "demo": record.demo, "report": record.report}
    payload |= {"learnt": _LEARNT.dump_python(record.learnt, mode="json")} if record.learnt else {}
    return {
        "session": record.session,
        "created_unix": record.created_unix,
        "began_unix": record.began_unix,
        "ended_unix": record.ended_unix,
        "payload": json.dumps(payload, separators=(",", ":")).encode(),
    }


def _record(row: Any) -> Record:
    payload = json.loads(row.payload)
    room = rooms.from_state(payload["room"])
    if row.ended_unix is not None:  # expired by the sweep, which does not open payloads
        room = rooms.ended(room, None)
    return Record(
        row.session,
        row.created_unix,
        row.began_unix,
        row.ended_unix,
        room,
        demo=bool(payload["demo"]),
        report=str(payload["report"]),
        learnt=_LEARNT.validate_python(payload["learnt"]) if payload.get("learnt") else None,
    )
