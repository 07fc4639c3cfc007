"""One browser's WebSocket: hello, then messages in and an outbox out, side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from gateway.live import Gateway
from gateway.neighbours.guest import Guest, Proof
from gateway.outbox import Outbox
from gateway.practice.registry import hashed
from gateway.practice.session import Session
from gateway.protocol import MAX_MESSAGE_BYTES, PROTOCOL_VERSION, ClientMessage, Hello, Offer, Role, read_message
from gateway.rates import Rate
from gateway.web.http import check_origin
from streaming.errors import BusUnavailable, LeaseLost, Refused, StoreUnavailable, UnusableInput

POLICY = 1008  # RFC 6455: closed for a reason that was told before
NORMAL = 1000

log = structlog.get_logger("gateway.web.sockets")


class Connection:
    """A socket from its first message to its last."""

    def __init__(self, socket: WebSocket, gateway: Gateway, known: Callable[[], object]) -> None:
        """``known`` is called once it has shown a link that is good."""
        self._socket = socket
        self._gateway = gateway
        self._settings = gateway.settings.sockets
        self._messages = Rate(self._settings.messages_per_s, self._settings.burst_messages)
        self._link = ""  # of whoever speaks: the hash of its token
        self._box = Outbox("observer", self._settings, gateway.metrics)
        self._session: Session | Guest | None = None
        self._known = known

    async def serve(self) -> None:
        await self._socket.accept()
        writer = asyncio.create_task(self._write(), name="socket writer")
        reader = asyncio.create_task(self._read(), name="socket reader")
        try:
            await asyncio.wait({reader, writer}, return_when=asyncio.FIRST_COMPLETED)
            if reader.done() and not writer.done() and self._socket.client_state is WebSocketState.CONNECTED:
                await asyncio.wait({writer}, timeout=self._settings.send_s)
        finally:
            for task in (reader, writer):
                task.cancel()
            ends = await asyncio.gather(reader, writer, return_exceptions=True)
            if self._session is not None:
                self._gateway.metrics.sockets.labels(self._box.role).dec()
                await self._session.leave(self._box)
        for error in ends:
            if isinstance(error, Exception):
                log.error("socket failed", error=repr(error), exc_info=error)

    def make_room(self) -> None:
        """It has said nothing for longest, and more come than can be borne."""
        self._known()
        self._refuse(Refused("server_full", "More pages open at once than Breathmark can greet."), fatal=True)

    async def _read(self) -> None:
        """Ends when the browser is gone or was refused for good."""
        try:
            async with asyncio.timeout(self._settings.hello_s):
                check_origin(self._socket.headers, self._gateway.settings.allowed_origins)
                await self._hello(await self._receive())
            await self._listen()
        except WebSocketDisconnect:
            self._box.close()
        except Refused as error:
            self._refuse(error, fatal=True)
        except TimeoutError:
            self._refuse(Refused("bad_hello", "The page did not say hello in time."), fatal=True)
        except StoreUnavailable as error:
            log.error("hello failed", error=str(error))
            self._refuse(Refused("store_unavailable", "What is kept cannot be read just now."), fatal=True)
        except (BusUnavailable, LeaseLost) as error:
            log.warning("a browser has to come back", error=str(error))
            self._box.close()
            if isinstance(error, LeaseLost) and self._session is not None:
                await self._gateway.drop(self._session.id)
        except UnusableInput as error:
            self._refuse(Refused("unexpected", str(error)), fatal=True)
        except Exception as error:
            log.error("socket failed", error=repr(error), exc_info=error)
            self._refuse(Refused("unexpected", "The log says what, to whoever runs Breathmark."), fatal=True)

    async def _receive(self) -> str:
        """The next text message. Raises Refused where it is none, too large, or one too many."""
        event = await self._socket.receive()
        if event["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(event.get("code", NORMAL))
        if not self._messages.take():
            raise Refused("too_fast", "The page sent more messages than a page would.")
        text = event.get("text")
        if text is None:
            raise Refused("bad_json", "A message was not text.")
        if len(text.encode(errors="replace")) > MAX_MESSAGE_BYTES:
            raise Refused("too_large", f"A message was over {MAX_MESSAGE_BYTES // 1024} KiB.")
        return str(text)

    async def _hello(self, text: str) -> None:
        try:
            message = read_message(text)
        except Refused as error:
            code = error.code if error.code == "bad_json" else "bad_hello"
            raise Refused(code, str(error)) from error
        if not isinstance(message, Hello):
            raise Refused("bad_hello", f"The first message was {message.type}, expected hello.")
        if message.v != PROTOCOL_VERSION:
            raise Refused("bad_version", f"The page speaks version {message.v}, Breathmark {PROTOCOL_VERSION}.")
        registry = self._gateway.registry
        link = await registry.find(message.token)
        if link.role == "report":
            raise Refused("report_link", "This link opens the report of a practice.")
        session = await self._gateway.session(link.session)
        if session and session.room.ended and not await self._was_part(session, link.role, message):
            raise Refused("session_ended", "This practice has ended.")
        if link.role != "observer":
            await registry.claim(message.token, message.device)
        self._known()
        self._box.role = link.role
        self._gateway.metrics.sockets.labels(link.role).inc()
        self._link = hashed(message.token)
        proof = Proof(self._link, hashed(message.device))
        self._session = session or self._gateway.guest(link, proof)
        await self._session.join(self._box, message.name)

    async def _was_part(self, session: Session, role: Role, message: Hello) -> bool:
        """Whether a practice that is over is told to this page: then it leads to the report."""
        if session.record.began_unix is None:
            return False
        if role == "observer":
            return session.room.watchable
        return await self._gateway.registry.owned(message.token, message.device)

    async def _listen(self) -> None:
        """Deals with what is said, in order; it is read ahead, so that a stop waits for nothing said before it."""
        said: asyncio.Queue[ClientMessage | Refused | None] = asyncio.Queue(self._settings.burst_messages)
        reading = asyncio.create_task(self._read_ahead(said), name="socket read ahead")
        try:
            while not self._box.closed and (message := await said.get()) is not None:
                await self._take(message)
            if not self._box.closed:
                await reading
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _read_ahead(self, said: asyncio.Queue[ClientMessage | Refused | None]) -> None:
        """Until the browser is gone or said too much, which is raised; ``said`` ends with None then."""
        try:
            while True:
                text = await self._receive()
                try:
                    message = read_message(text)
                except Refused as error:
                    await said.put(error)
                    continue
                if isinstance(self._session, Session):  # a guest's words wait for nothing
                    self._session.ahead(self._box, message)
                await said.put(message)
        except Exception:
            await said.put(None)
            raise

    async def _take(self, message: ClientMessage | Refused) -> None:
        assert self._session is not None
        try:
            if isinstance(message, Refused):
                raise message
            self._gateway.metrics.messages.labels(message.type).inc()
            if isinstance(message, Offer) and not self._gateway.offers.take(self._link):
                raise Refused("too_many_offers", "The audio connection was set up again too often.")
            await self._session.handle(self._box, message)
        except Refused as error:
            self._refuse(error)

    def _refuse(self, error: Refused, *, fatal: bool = False) -> None:
        log.info("refused", code=error.code, session=self._session.id if self._session else None)
        self._box.refuse(error, fatal=fatal)

    async def _write(self) -> None:
        """Sends what waits until the box is closed and empty, then closes the socket."""
        try:
            refused = False
            while message := await self._box.take():
                async with asyncio.timeout(self._settings.send_s):
                    await self._socket.send_text(message.text())
                refused = message.type == "refused"
                if message.type == "lines" and not self._box.closed:
                    await asyncio.sleep(self._settings.batch_s)
            await self._socket.close(POLICY if refused else NORMAL)
        except TimeoutError:
            self._gateway.metrics.slow_sockets.inc()
            self._box.close()
        except (WebSocketDisconnect, RuntimeError):
            self._box.close()  # the browser went while something was on its way
