"""``breathmark worker``: a worker as a program of its own."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable

from prometheus_client import start_http_server

from gateway.logs import configure
from gateway.settings import GatewaySettings, from_environment
from gateway.workers.metrics import WorkerMetrics
from gateway.workers.process import WorkerProcess
from streaming.backbone import open_backbone
from streaming.errors import UnusableInput
from streaming.timeline import Timeline, open_engine


def work(bus: str | None, store: str | None, host: str, port: int, settings: GatewaySettings | None = None) -> None:
    """Runs until SIGINT or SIGTERM. Raises UnusableInput, BusUnavailable, StoreUnavailable where it cannot begin.

    Metrics are at ``host:port``; port 0 picks a free one, and the address is printed.
    """
    settings = settings or from_environment(GatewaySettings())
    bus, store = bus or settings.bus_url, store or settings.store_url
    if not bus or not store:
        raise UnusableInput("a worker shares a bus and a store with its gateways: give --bus and --store")
    configure(settings.log_level)
    metrics = WorkerMetrics()
    asyncio.run(_work(bus, store, metrics, lambda: _serve_metrics(metrics, host, port)))


async def _work(bus: str, store: str, metrics: WorkerMetrics, ready: Callable[[], str]) -> None:
    async with open_backbone(bus) as backbone:
        await backbone.leases.wanted()  # a wrong address is told before anything else
        engine = await open_engine(store)
        try:
            async with Timeline(engine) as timeline:
                process = WorkerProcess(backbone, timeline, metrics)
                for number in (signal.SIGINT, signal.SIGTERM):
                    asyncio.get_running_loop().add_signal_handler(number, process.stop)
                sys.stdout.write(f"Breathmark worker {process.name} is ready: {ready()}   (Ctrl-C stops it)\n")
                sys.stdout.flush()
                await process.run()
        finally:
            await engine.dispose()


def _serve_metrics(metrics: WorkerMetrics, host: str, port: int) -> str:
    try:
        server, _ = start_http_server(port, host, metrics.registry)
    except OSError as error:
        raise UnusableInput(f"cannot listen on {host}, port {port}: {error.strerror}; give another") from error
    return f"http://{host}:{server.server_port}/metrics"
