from __future__ import annotations

from pathlib import Path

from tests.gateway.serving import bearer, practising, serving, settings_in


async def test_of_a_practice_that_ended_long_enough_ago_nothing_is_kept(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, keep_days=1e-6, rarely_s=0.1, sweep_s=0.1, ended_kept_s=0.1)
    async with serving(settings) as served:
        links = await served.links()
        async with practising(served, links) as (a, b):
            running = await served.gateway.timeline.read(a.session)
            assert running, "one that runs is left alone"
            await a.say("end")
            await b.one("ended")
        report = bearer(links["report"])
        while (answer := await served.http.get("/api/report", headers=report)).status_code == 200:
            pass
        assert answer.json()["code"] == "unknown_link"
        while await served.gateway.timeline.read(a.session):
            pass
