"""Two homes behind NATs, media that cannot go directly, and coturn as docs/turn.md sets it up in the middle.

home a ─ nat a ─┐
                ├─ internet (coturn; forwards no UDP) ─ gateway
home b ─ nat b ─┘
"""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest
from aioice.stun import TransactionError
from aiortc import RTCConfiguration, RTCIceServer, RTCPeerConnection

from benchmarks.gateway_process import gateway
from benchmarks.namespaces import Network, no_right
from gateway.media.ice import IceSettings, TurnSettings, for_browser
from gateway.simulated import SimulatedPartner
from streaming.types import SAMPLE_RATE_HZ
from tests.gateway.media_peer import until

pytestmark = pytest.mark.alone

TURN, GATEWAY = "10.77.0.1", "10.77.0.2"
SECRET = "a-secret-of-this-test"
SHORT_S = 2  # how long credentials are good
RELAY_S, RENEWALS = 2, 1  # how long a relay lives unless it is renewed
DOCUMENTED = Path(__file__).parents[2] / "docs" / "turn.md"
# Both at once: as each home would have it from its router.
MASQUERADE = """
table ip nat { chain out { type nat hook postrouting priority 100; oifname "WAN" masquerade random; }; }
table ip walls { chain in { type filter hook forward priority 0; policy drop;
  ct state established,related accept; iifname != "WAN" accept; }; }
"""
NO_DIRECT_MEDIA = """
table ip walls { chain in { type filter hook forward priority 0; meta l4proto udp counter drop; }; }
"""


@pytest.fixture
def internet() -> Iterator[Network]:
    if (reason := no_right()) is not None:
        pytest.skip(reason)
    with Network() as net:
        net.add("inet", "gw")
        net.cable("inet", f"{TURN}/24", "gw", f"{GATEWAY}/24")
        net.ip("gw", "route", "add", "default", "via", TURN)
        for n, home in ((1, "a"), (2, "b")):
            net.add(f"nat{home}", f"home{home}")
            _, wan = net.cable("inet", f"10.77.{n}.1/24", f"nat{home}", f"10.77.{n}.2/24")
            net.cable(f"nat{home}", "192.168.1.1/24", f"home{home}", "192.168.1.2/24")
            net.ip(f"nat{home}", "route", "add", "default", "via", f"10.77.{n}.1")
            net.ip(f"home{home}", "route", "add", "default", "via", "192.168.1.1")
            net.run(f"nat{home}", "nft", "-f", "-", given=MASQUERADE.replace("WAN", wan))
        for place in ("inet", "nata", "natb"):
            net.run(place, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        net.run("inet", "nft", "-f", "-", given=NO_DIRECT_MEDIA)
        yield net


async def answers() -> None:
    """Returns once the server answers a STUN binding request (RFC 8489)."""
    request = bytes.fromhex("000100002112a442") + b"twelve bytes"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((TURN, 3478))
        probe.settimeout(0.2)
        for _ in range(50):
            with suppress(OSError):
                probe.send(request)
                if probe.recv(1500)[8:20] == b"twelve bytes":
                    return
            await asyncio.sleep(0.1)  # refused: nobody listens yet
    raise AssertionError("coturn did not start")


@contextmanager
def coturn(net: Network, folder: Path, *more: str) -> Iterator[None]:
    """As documented, at this network's addresses, without a certificate; ``more`` lines of its configuration."""
    block = re.search(r"```ini\n(.*?)```", DOCUMENTED.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    lines = [line for line in block[1].splitlines() if not line.startswith(("cert=", "pkey=", "tls-listening"))]
    documented = "\n".join(lines).replace("203.0.113.10", TURN)
    documented = re.sub(r"(static-auth-secret=).*", rf"\g<1>{SECRET}", documented)
    (folder / "turnserver.conf").write_text(
        f"{documented}\nallowed-peer-ip={GATEWAY}\nno-tls\nno-dtls\n" + "\n".join(more)
    )
    log = folder / "turn.log"
    command = ["turnserver", "-c", str(folder / "turnserver.conf"), "--log-file", str(log), "--simple-log"]
    command += ["--pidfile", str(folder / "pid"), "--db", str(folder / "turndb")]
    with (folder / "turn.out").open("wb") as out:
        process = subprocess.Popen([*net.inside("inet"), *command], stdout=out, stderr=out)
    try:
        net.live("inet", answers)
        assert process.poll() is None, (folder / "turn.out").read_text()
        yield
    finally:
        process.terminate()
        process.wait(10)


@dataclass(frozen=True, slots=True)
class Called:
    frames_heard: int
    ways: list[tuple[str, str]]
    """Kinds of the addresses that the partner's media went between: own, gateway's."""


async def practise(url: str, token: str, both: Barrier) -> Called:
    hum = 0.2 * np.sin(2 * np.pi * 200 * np.arange(10 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ).astype(np.float32)
    async with asyncio.timeout(60), SimulatedPartner(url, token, hum, rate_hz=SAMPLE_RATE_HZ) as partner:
        await partner.set_up(same_room=False)
        await partner.connect_media()
        await partner.consent()
        await partner.ready()
        partner.play_at(asyncio.get_running_loop().time())
        await until(lambda: partner.frames_heard >= 50, 30.0)
        await asyncio.to_thread(both.wait, 30.0)  # or one leaves before the other has heard enough
        assert partner._peer is not None
        transport = partner._peer.getTransceivers()[0].receiver.transport.transport
        pairs = transport._connection._nominated.values()  # aiortc's statistics do not tell
        return Called(partner.frames_heard, [(p.local_candidate.type, p.remote_candidate.type) for p in pairs])


async def test_a_call_between_two_homes_behind_nats_goes_by_the_relay(internet: Network, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET)
    environment = {
        "BREATHMARK_TURN_URLS": f"turn:{TURN}:3478",
        "BREATHMARK_TURN_SECRET_FILE": str(tmp_path / "secret"),
    }
    with coturn(internet, tmp_path):
        async with gateway(host=GATEWAY, inside=internet.inside("gw"), environment=environment) as running:
            links = await asyncio.to_thread(internet.live, "homea", running.new_session)
            both = Barrier(2)
            a, b = await asyncio.gather(
                *(
                    asyncio.to_thread(
                        internet.live, f"home{role}", lambda r=role: practise(running.socket_url, links[r], both)
                    )
                    for role in ("a", "b")
                )
            )
            log = (running.folder / "log").read_text()
    assert a.ways == b.ways == [("relay", "host")]
    assert SECRET not in log


async def outlive(url: str, links: dict[str, str]) -> tuple[bool, int]:
    """Whether credentials of yesterday lead anywhere, and what is heard once those of a moment have run out."""
    turn = IceSettings((), TurnSettings((f"turn:{TURN}:3478",), SECRET, ttl_s=SHORT_S))
    silence = np.zeros(0, np.float32)
    async with (
        asyncio.timeout(60),
        SimulatedPartner(url, links["a"], silence) as partner,
        SimulatedPartner(url, links["b"], silence) as other,
    ):
        yesterday = for_browser(turn.servers_at(time.time() - 86_400, "s"))[0]
        led = await relayed(yesterday)
        partner.room["ice_servers"] = for_browser(turn.servers_at(time.time(), "s"))
        over_s = time.time() + SHORT_S
        for own in (partner, other):
            await own.set_up(same_room=False)
            await own.connect_media()
            await own.consent()
        await partner.ready()
        await asyncio.sleep(over_s + RENEWALS * RELAY_S - time.time())
        heard = partner.frames_heard
        await asyncio.sleep(1.0)
        return led, partner.frames_heard - heard


async def relayed(server: dict[str, str]) -> bool:
    """Whether the relay gives an address for these credentials."""
    asking = RTCPeerConnection(
        RTCConfiguration([RTCIceServer(server["urls"], server["username"], server["credential"])])
    )
    asking.addTransceiver("audio")
    try:
        await asking.setLocalDescription(await asking.createOffer())
        return " typ relay" in asking.localDescription.sdp
    except TransactionError:
        return False
    finally:
        await asking.close()


async def test_a_call_outlives_its_credentials_and_none_begins_with_old_ones(internet: Network, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET)
    environment = {
        "BREATHMARK_TURN_URLS": f"turn:{TURN}:3478",
        "BREATHMARK_TURN_SECRET_FILE": str(tmp_path / "secret"),
    }
    # An hour of such a call: its relay is renewed, and challenged anew, again and again.
    with coturn(internet, tmp_path, f"max-allocate-lifetime={RELAY_S}", f"stale-nonce={RELAY_S}"):
        async with gateway(host=GATEWAY, inside=internet.inside("gw"), environment=environment) as running:
            links = await asyncio.to_thread(internet.live, "homea", running.new_session)
            led, heard = await asyncio.to_thread(internet.live, "homea", lambda: outlive(running.socket_url, links))
    assert not led
    assert heard >= 25
