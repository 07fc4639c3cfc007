"""What lies in ``deploy/`` speaks of the program as it is: its commands, options, ports, variables and metrics."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml  # type: ignore[import-untyped]
from prometheus_client import CollectorRegistry

from coach.meaning import language
from detectors.worker import WorkerCounts
from gateway.cli import app
from gateway.metrics import Metrics
from gateway.refusals import REFUSALS
from gateway.settings import _VARIABLES, GatewaySettings, from_environment
from gateway.words.service import Words
from gateway.workers.metrics import WorkerMetrics

DEPLOY = Path(__file__).parents[1] / "deploy"
PROGRAM = re.compile(r"gateway-\d|worker-\d")
NOT_OURS = {"FORWARDED_ALLOW_IPS"}  # the HTTP server's own


def documents(path: Path) -> list[Any]:
    return [document for document in yaml.safe_load_all(path.read_text()) if document is not None]


COMPOSE = documents(DEPLOY / "compose.yaml")[0]
KUBERNETES = [document for path in sorted((DEPLOY / "kubernetes").glob("*.yaml")) for document in documents(path)]
SERVICES = {name: service for name, service in COMPOSE["services"].items() if PROGRAM.fullmatch(name)}
DEPLOYMENTS = {d["metadata"]["name"]: d for d in KUBERNETES if d["kind"] == "Deployment"}


def container(deployment: dict[str, Any]) -> dict[str, Any]:
    [own] = deployment["spec"]["template"]["spec"]["containers"]
    out: dict[str, Any] = own
    return out


def commands() -> Iterator[list[str]]:
    for service in SERVICES.values():
        yield service["command"]
    for deployment in DEPLOYMENTS.values():
        yield container(deployment)["args"]


def parsed(words: list[str]) -> dict[str, Any]:
    """What the program makes of them; a word that it does not know ends the test."""
    group = typer.main.get_command(app)
    command = group.get_command(None, words[0])  # type: ignore[attr-defined]
    options: dict[str, Any] = command.make_context(words[0], words[1:]).params
    return options


@pytest.mark.parametrize("path", sorted(DEPLOY.rglob("*.y*ml")), ids=lambda path: path.name)
def test_every_file_can_be_read(path: Path) -> None:
    assert documents(path)


def test_every_command_is_one_of_the_program() -> None:
    for words in commands():
        assert parsed(words)["port"] > 0, "a port that others look for"
        assert words[0] in ("serve", "worker")


def test_every_variable_is_one_that_the_program_reads(tmp_path: Path) -> None:
    names = {name for service in SERVICES.values() for name in service["environment"]}
    [shared] = [d["data"] for d in KUBERNETES if d["kind"] == "ConfigMap"]
    for deployment in DEPLOYMENTS.values():
        for variable in container(deployment).get("env", []):
            names.add(variable["name"])
            key = variable["valueFrom"].get("configMapKeyRef")
            assert key is None or key["key"] in shared
    assert (names | set(shared)) - NOT_OURS <= set(_VARIABLES)
    secret = tmp_path / "secret"
    secret.write_text("x" * 32)
    settings = from_environment(GatewaySettings(), {**shared, "BREATHMARK_TURN_SECRET_FILE": str(secret)})
    assert settings.ice.turn is not None
    assert settings.max_live_sessions > 0


def test_whoever_looks_for_a_port_finds_it() -> None:
    port = {name: parsed(service["command"])["port"] for name, service in SERVICES.items()}
    assert len(set(port.values())) == len(port)
    gateways = {f"127.0.0.1:{n}" for name, n in port.items() if name.startswith("gateway")}
    workers = {f"127.0.0.1:{n}" for name, n in port.items() if name.startswith("worker")}
    [upstreams] = re.findall(r"reverse_proxy ([^{]+) \{", (DEPLOY / "Caddyfile").read_text())
    assert set(upstreams.split()) == gateways
    for name, n in port.items():
        for address in re.findall(r"http://([\d.:]+)/healthz", str(SERVICES[name].get("healthcheck", ""))):
            assert address == f"127.0.0.1:{n}"
    scraped = documents(DEPLOY / "prometheus.yml")[0]["scrape_configs"]
    found = {job["job_name"]: {t for c in job["static_configs"] for t in c["targets"]} for job in scraped}
    assert found == {"gateway": gateways, "worker": workers}
    for deployment in DEPLOYMENTS.values():
        own = container(deployment)
        [shown] = own["ports"]
        assert shown["containerPort"] == parsed(own["args"])["port"]
        assert deployment["spec"]["template"]["metadata"]["annotations"]["prometheus.io/port"] == str(
            shown["containerPort"]
        )
        for probe in ("readinessProbe", "livenessProbe", "startupProbe"):
            if probe in own:
                assert own[probe]["httpGet"]["port"] == shown["name"]
                assert own[probe]["httpGet"]["path"] in ("/healthz", "/metrics")


def test_everything_in_kubernetes_finds_what_it_is_about() -> None:
    kinds: dict[str, list[str]] = {}
    for document in KUBERNETES:
        kinds.setdefault(document["kind"], []).append(document["metadata"]["name"])
        if document["kind"] != "Namespace":
            assert document["metadata"]["namespace"] == "breathmark"
    labels = [deployment["spec"]["template"]["metadata"]["labels"] for deployment in DEPLOYMENTS.values()]
    for document in KUBERNETES:
        spec = document.get("spec", {})
        match document["kind"]:
            case "Service":
                assert spec["selector"] in labels
            case "PodDisruptionBudget":
                assert spec["selector"]["matchLabels"] in labels
            case "HorizontalPodAutoscaler":
                assert spec["scaleTargetRef"]["name"] in DEPLOYMENTS
                assert spec["minReplicas"] >= 2, "one alone cannot be replaced"
    assert set(kinds["PodDisruptionBudget"]) == set(kinds["HorizontalPodAutoscaler"]) == set(DEPLOYMENTS)
    for deployment in DEPLOYMENTS.values():
        pod = deployment["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"]
        volumes = {volume["name"] for volume in pod["volumes"]}
        assert {mount["name"] for mount in container(deployment)["volumeMounts"]} == volumes


def metric_names() -> set[str]:
    """As Prometheus stores them."""
    gateway, worker = Metrics(), WorkerMetrics()
    gateway.watch_bus(lambda: 0.0)
    gateway.watch_outbox(lambda: 0.0)
    gateway.watch_post(lambda: 0.0)
    gateway.watch_words(Words(Path("model"), language()))
    worker.watch_worker(WorkerCounts())
    return names_in(gateway.registry) | names_in(worker.registry)


def names_in(registry: CollectorRegistry) -> set[str]:
    endings = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}
    return {metric.name + ending for metric in registry.collect() for ending in endings.get(metric.type, [""])}


def test_every_metric_that_is_watched_is_counted() -> None:
    watching = [DEPLOY / "alerts.yml", *(DEPLOY / "grafana").rglob("*.json"), *(DEPLOY / "kubernetes").glob("*.yaml")]
    for path in watching:
        named = set(re.findall(r"\bbreathmark_[a-z_]+", path.read_text()))
        assert named - metric_names() == set(), path.name
    for path in watching:
        for codes in re.findall(r'code=\\?"([a-z_]+)', path.read_text()):
            assert codes in REFUSALS


def test_the_dashboard_can_be_shown() -> None:
    [path] = (DEPLOY / "grafana" / "dashboards").glob("*.json")
    panels = json.loads(path.read_text())["panels"]
    [source] = documents(DEPLOY / "grafana/provisioning/datasources/prometheus.yaml")[0]["datasources"]
    assert {panel["datasource"]["uid"] for panel in panels} == {source["uid"]}
    assert len({panel["title"] for panel in panels}) == len({panel["id"] for panel in panels}) == len(panels)
    assert all(panel["description"] and panel["targets"] for panel in panels)


def test_rules_mean_something_to_prometheus() -> None:
    promtool = shutil.which("promtool")
    if promtool is not None:  # Debian has it in its package prometheus
        checked = subprocess.run(
            [promtool, "check", "config", "prometheus.yml"], cwd=DEPLOY, capture_output=True, text=True, check=False
        )
        assert checked.returncode == 0, checked.stdout + checked.stderr
    [group] = documents(DEPLOY / "alerts.yml")[0]["groups"]
    for rule in group["rules"]:
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"].keys() == {"summary", "description"}


def test_the_image_is_made_of_what_is_there() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    for words in copied:
        for source in words.split():
            assert (DEPLOY.parent / source).exists(), source


def test_no_secret_lies_among_the_files() -> None:
    for line in (DEPLOY / "example.env").read_text().splitlines():
        name, _, value = line.partition("=")
        assert value == "" or not re.search("PASSWORD|SECRET", name) or line.startswith("#")
    assert "Secret" not in {document["kind"] for document in KUBERNETES}
    for service in SERVICES.values():
        for name in ("BREATHMARK_BUS", "BREATHMARK_STORE"):
            assert re.search(r":\$\{[A-Z_]+PASSWORD:\?", service["environment"][name]), "the password is asked for"
