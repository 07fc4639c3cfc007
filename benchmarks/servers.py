"""Real Redis and PostgreSQL for tests and benchmarks: on free ports, in folders of their own, stopped by process id."""

from __future__ import annotations

import datetime
import ipaddress
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from redis import Redis

START_S = 20.0  # PostgreSQL's crash recovery on a busy machine
PASSWORD = "open sesame / 1"  # with characters that a URL must escape
QUOTED_PASSWORD = "open%20sesame%20%2F%201"


@dataclass
class Server:
    """One process that may be killed and started again on its port. ``ready`` says when it answers."""

    command: Sequence[str]
    port: int
    folder: Path
    ready: Callable[[], bool]
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Returns when it answers. From the main thread only: it would end with the thread that started it."""
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(self.command, cwd=self.folder, stdout=log, stderr=log)
        until = time.monotonic() + START_S
        while not self.ready():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{self.command[-1]} did not start: {(self.folder / 'server.log').read_text()}")
            time.sleep(0.02)  # it says nothing when it is up: ask

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(START_S)
            self._process = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def pause(self) -> None:
        """The process stands still with its sockets open: nothing is refused, nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A self-signed certificate for 127.0.0.1 and its key, as PEM files; it is its own authority."""

    cert: Path
    key: Path


def certificate(folder: Path) -> Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    cert = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    made = Certificate(folder / "cert.pem", folder / "key.pem")
    made.cert.write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    made.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    made.key.chmod(0o600)
    return made


@contextmanager
def redis_server(*, password: str = "", tls: bool = False, extra: Sequence[str] = ()) -> Iterator[Server]:
    """A Redis without persistence: a restart loses everything, the hardest case for its users."""
    with _folder() as folder:
        port = free_port()
        listen = ["--port", str(port)]
        if tls:
            pem = certificate(folder)
            listen = ["--port", "0", "--tls-port", str(port), "--tls-auth-clients", "no"]
            listen += ["--tls-cert-file", str(pem.cert), "--tls-key-file", str(pem.key)]
        if password:
            listen += ["--requirepass", password]
        options = ["--bind", "127.0.0.1", *listen, "--save", "", "--appendonly", "no", *extra]
        server = Server([*_dies_with_us(), "redis-server", *options], port, folder, lambda: _listens(port))
        with _running(server):
            yield server


@contextmanager
def redis_sentinel(master_port: int) -> Iterator[Server]:
    """One sentinel that watches ``main`` alone and fails over within a second or two."""
    with _folder() as folder:
        port = free_port()
        (folder / "sentinel.conf").write_text(
            f"port {port}\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 {master_port} 1\n"
            "sentinel down-after-milliseconds main 300\nsentinel failover-timeout main 1000\n"
        )
        command = [*_dies_with_us(), "redis-server", "sentinel.conf", "--sentinel"]
        server = Server(command, port, folder, lambda: _listens(port))
        with _running(server):
            yield server


@contextmanager
def redis_cluster() -> Iterator[list[Server]]:
    """Two nodes, half of the slots each."""
    with ExitStack() as stack:
        nodes = []
        for _ in range(2):
            options = ["--cluster-enabled", "yes", "--cluster-port", str(free_port())]
            nodes.append(stack.enter_context(redis_server(extra=[*options, "--cluster-announce-ip", "127.0.0.1"])))
        clients = [stack.enter_context(Redis(port=node.port)) for node in nodes]
        clients[0].execute_command("CLUSTER ADDSLOTSRANGE", 0, 8191)
        clients[1].execute_command("CLUSTER ADDSLOTSRANGE", 8192, 16383)
        clients[0].execute_command("CLUSTER MEET", "127.0.0.1", nodes[1].port, nodes[1].command[-3])
        until = time.monotonic() + START_S
        while any(client.execute_command("CLUSTER INFO")["cluster_state"] != "ok" for client in clients):
            if time.monotonic() > until:
                raise RuntimeError("the nodes did not become a cluster")
            time.sleep(0.05)
        yield nodes


@contextmanager
def postgres_server(*, tls: bool = False) -> Iterator[Server]:
    """A PostgreSQL whose user ``breathmark`` needs PASSWORD, with an empty database ``breathmark``."""
    tools = _postgres_tools()
    with _folder() as folder:
        account = _unprivileged()
        (folder / "password").write_text(PASSWORD)
        tls_options: list[str] = []
        if tls:
            pem = certificate(folder)
            tls_options = ["-c", "ssl=on", "-c", f"ssl_cert_file={pem.cert}", "-c", f"ssl_key_file={pem.key}"]
        for path in (folder, *folder.iterdir()):
            if account:
                os.chown(path, account.pw_uid, account.pw_gid)
        run = _dies_with_us(account)
        data = folder / "data"
        init = ["-D", str(data), "-U", "breathmark", "--pwfile", str(folder / "password")]
        init += ["-A", "scram-sha-256", "--no-sync", "--no-locale", "-E", "UTF8"]
        subprocess.run([*run, str(tools / "initdb"), *init], check=True, capture_output=True, cwd=folder)
        if tls:
            (data / "pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 scram-sha-256\n")
        port = free_port()
        options = ["-D", str(data), "-p", str(port), "-h", "127.0.0.1", "-k", str(folder), *tls_options]
        options += ["-c", "fsync=off", "-c", "max_connections=100", "-c", "shared_buffers=16MB"]
        command = [*run, str(tools / "postgres"), *options]
        server = Server(command, port, folder, lambda: _accepts(tools, port, folder))
        with _running(server):
            yield server


def postgres_url(server: Server, database: str = "postgres", query: str = "") -> str:
    return f"postgresql://breathmark:{QUOTED_PASSWORD}@127.0.0.1:{server.port}/{database}{query}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _running(server: Server) -> Iterator[None]:
    try:
        server.start()
        yield
    finally:
        server.stop()


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="breathmark-"))  # pytest's own may not be entered by another user
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _dies_with_us(account: pwd.struct_passwd | None = None) -> list[str]:
    """Words before a command: it ends when we end, however that comes, and runs as ``account``."""
    as_account = [f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"] if account else []
    return ["setpriv", "--pdeathsig=INT", *as_account]


def _unprivileged() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root."""
    return pwd.getpwnam("nobody") if os.getuid() == 0 else None


def _postgres_tools() -> Path:
    """The folder of initdb and postgres; Debian keeps it off the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if found:
        return found[-1]
    on_path = shutil.which("initdb")
    if on_path is None:
        raise RuntimeError("no PostgreSQL found: on Debian, apt-get install postgresql")
    return Path(on_path).resolve().parent


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _accepts(tools: Path, port: int, folder: Path) -> bool:
    asked = [str(tools / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    return subprocess.run(asked, cwd=folder, check=False).returncode == 0
