from __future__ import annotations

import json
import resource
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.practice.registry import PROBE_S
from tests.gateway.serving import DEVICES, Served, bearer, practising, say_so, serving, settings_in


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(settings_in(tmp_path / "data", client=built_client(tmp_path))) as served:
        yield served


def built_client(folder: Path) -> Path:
    client = folder / "dist"
    (client / "assets").mkdir(parents=True)
    (client / "index.html").write_text("<!doctype html><title>Breathmark</title>")
    (client / "assets" / "main-abc123.js").write_text("export {}")
    (folder / "secret.txt").write_text("not yours")
    return client


async def test_a_new_practice_gives_a_link_a_role_and_says_what_each_is(served: Served) -> None:
    links = await served.links()
    assert set(links) == {"a", "b", "observer", "report"}
    for role, token in links.items():
        answer = (await served.http.get("/api/link", headers=bearer(token))).json()
        assert (answer["role"], answer["phase"], answer["demo"]) == (role, "waiting", False)


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, "no_link"),
        ({"Authorization": "Basic abcdef"}, 401, "no_link"),
        ({"Authorization": "Bearer"}, 401, "no_link"),
        (bearer("never-given-to-anybody"), 404, "unknown_link"),
        (bearer("x" * 5000), 404, "unknown_link"),
    ],
)
async def test_without_a_known_link_there_is_a_way_out_and_nothing_else(
    served: Served, headers: dict[str, str], status: int, code: str
) -> None:
    for path in ("/api/link", "/api/report", "/api/timeline"):
        answer = await served.http.get(path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert set(answer.json()) == {"code", "message", "way_out"}
        assert all(answer.json().values())


async def test_a_practice_that_has_not_begun_has_no_report(served: Served) -> None:
    links = await served.links()
    for role, code in (("report", "not_begun"), ("a", "not_begun"), ("observer", "not_agreed")):
        answer = await served.http.get("/api/report", headers=bearer(links[role]))
        assert answer.json()["code"] == code


async def test_every_page_is_the_client_and_its_hashed_files_last(served: Served) -> None:
    for path in ("/", "/join", "/watch", "/report", "/demo", "/join/"):
        answer = await served.http.get(path)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")
        assert "<title>Breathmark" in answer.text
    script = await served.http.get("/assets/main-abc123.js")
    assert "immutable" in script.headers["cache-control"]
    assert "javascript" in script.headers["content-type"]
    plain = await served.http.get("/assets/main-abc123.js", headers={"accept-encoding": "identity"})
    assert (script.headers["content-encoding"], "content-encoding" in plain.headers) == ("gzip", False)
    assert script.text == plain.text


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/assets/%2e%2e/%2e%2e/secret.txt",
        "/a%00b",
        "/" + "x" * 3000,
    ],
)
async def test_there_is_nothing_beside_the_client_s_own_files(served: Served, path: str) -> None:
    answer = await served.http.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "no_such_page")


async def test_somebody_who_reads_pages_is_told_by_a_page_that_there_is_nothing(served: Served) -> None:
    answer = await served.http.get("/jion", headers={"accept": "text/html,*/*;q=0.8"})
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")


async def test_a_client_that_is_not_built_says_how_to_build_it(tmp_path: Path) -> None:
    async with serving(settings_in(tmp_path / "data", client=tmp_path / "dist")) as served:
        answer = await served.http.get("/")
    assert answer.status_code == 503
    assert "make setup" in answer.json()["way_out"]


async def test_an_unknown_address_or_method_is_told_as_json(served: Served) -> None:
    assert (await served.http.get("/api/nothing")).json()["code"] == "no_such_page"
    wrong = await served.http.delete("/api/sessions")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "bad_request")


async def test_every_answer_carries_the_security_headers_and_the_api_is_never_cached(served: Served) -> None:
    for path in ("/", "/nothing", "/api/link", "/healthz"):
        headers = (await served.http.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "microphone=(self)" in headers["permissions-policy"]
        place = served.http.base_url.netloc.decode()
        policy = {name: {*more} for name, *more in map(str.split, headers["content-security-policy"].split(";"))}
        assert policy.pop("connect-src") == {"'self'", f"ws://{place}", f"wss://{place}"}
        nothing = {name for name, more in policy.items() if more == {"'none'"}}
        assert nothing == {"object-src", "base-uri", "frame-ancestors"}
        assert policy.pop("img-src") | policy.pop("media-src") == {"'self'", "data:", "blob:"}
        assert policy["default-src"] == {"'self'"}
        assert set().union(*policy.values()) == {"'self'", "'none'"}, "nothing from elsewhere, nothing inline"
        assert "server" not in headers
    assert (await served.http.get("/api/link")).headers["cache-control"] == "no-store"


@pytest.mark.parametrize("host", ["a; script-src *", "x y", "", "a,b", "[::1"])
async def test_what_names_no_place_gets_into_no_policy(served: Served, host: str) -> None:
    headers = (await served.http.get("/healthz", headers={"host": host})).headers
    assert "connect-src 'self';" in headers["content-security-policy"]


async def test_a_gateway_whose_disk_is_full_is_not_well(tmp_path: Path) -> None:
    async with serving(settings_in(tmp_path)) as served:
        served.gateway.registry._took_s = -PROBE_S
        size, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))  # nothing grows any more
        try:
            full = await served.http.get("/healthz")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        assert (full.status_code, full.json()["code"]) == (503, "store_unavailable")
        assert (await served.http.get("/healthz")).json() == {"status": "ok"}


async def test_nobody_starts_practices_faster_than_by_hand(tmp_path: Path) -> None:
    async with serving(settings_in(tmp_path, sessions_per_minute=3.0)) as served:
        codes = [(await served.http.post("/api/sessions")).status_code for _ in range(5)]
        last = await served.http.post("/api/sessions")
    assert codes == [201, 201, 201, 429, 429]
    assert last.json()["code"] == "too_fast"


async def test_health_and_metrics_are_there_for_whoever_runs_it(served: Served) -> None:
    await served.links()
    assert (await served.http.get("/healthz")).json() == {"status": "ok"}
    metrics = (await served.http.get("/metrics")).text
    assert "breathmark_sessions_created_total 1.0" in metrics


async def test_the_timeline_of_a_practice_is_its_wire_lines(served: Served) -> None:
    links = await served.links()
    async with served.page(links["a"], name="Nora") as a, served.page(links["b"], name="Ben") as b:
        await a.say("consent", practice=True)
        await b.say("consent", practice=True)
        await a.room(lambda room: room["phase"] == "practising")
        answer = await served.http.get("/api/timeline", headers=bearer(links["a"]))
    kinds = [json.loads(line)["kind"] for line in answer.text.splitlines()]
    assert kinds == ["joined", "joined", "consent", "consent", "began", "neutral"]
    assert answer.headers["content-type"] == "application/x-ndjson"


async def test_nobody_reads_along_unseen_while_the_two_talk(served: Served) -> None:
    links = await served.links()
    async with practising(served, links, observer=True) as (a, b):
        for role in ("report", "observer"):
            for path in ("/api/report", "/api/timeline"):
                answer = await served.http.get(path, headers=bearer(links[role]))
                assert (answer.status_code, answer.json()["code"]) == (409, "not_ended")
        await a.say("end")
        await b.one("ended")
    for role in ("report", "observer"):
        assert (await served.http.get("/api/report", headers=bearer(links[role]))).status_code == 200


async def test_another_site_s_page_starts_nothing_here(served: Served) -> None:
    for path in ("/api/sessions", "/api/demo"):
        for origin in ("https://evil.example", "null", "http://["):
            answer = await served.http.post(path, headers={"Origin": origin})
            assert (answer.status_code, answer.json()["code"]) == (403, "bad_origin")
    own = {"Origin": str(served.http.base_url).rstrip("/")}
    assert (await served.http.post("/api/sessions", headers=own)).status_code == 201


async def test_what_nobody_foresaw_carries_the_security_headers_too(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> None:  # a stand-in: no request is known that fails like this
        raise RuntimeError

    monkeypatch.setattr(served.gateway, "stands", broken)
    links = await served.links()
    answer = await served.http.get("/api/link", headers=bearer(links["a"]))
    assert (answer.status_code, answer.json()["code"]) == (500, "unexpected")
    assert answer.headers["cache-control"] == "no-store"
    assert "default-src" in answer.headers["content-security-policy"]


async def test_each_confirms_only_their_own_words_and_saying_it_again_leaves_nothing_more(served: Served) -> None:
    links = await served.links()
    async with practising(served, links, words=True) as (a, _):
        await say_so(served, a.session)

        async def reach(role: str, words: str, *, yes: bool) -> str:
            headers = bearer(links[role]) | {"breathmark-device": DEVICES[role]}
            answer = await served.http.post("/api/reaching", headers=headers, json={"words": words, "yes": yes})
            return "" if answer.status_code == 201 else str(answer.json()["code"])

        assert await reach("b", "w", yes=True) == "not_a_partner"
        assert await reach("a", "no words", yes=True) == "not_a_partner"
        for yes in (True, True, False, False, True):
            assert await reach("a", "w", yes=yes) == ""
    kept = [line["yes"] for line in await served.timeline(links["a"]) if line["kind"] == "reaching_answered"]
    assert kept == [True, False, True]
