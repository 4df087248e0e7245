"""The shipped alert rules: well-formed, two languages, of names that the output has, fired by Prometheus itself."""

import re
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml

from edge.centre.metrics import MetricsServer
from edge.centre.postbox import Backlog
from edge.centre.snapshot import DELAY_BOUNDS_S, RECEIPT_BOUNDS_S, BoxView, Durations, Snapshot
from edge.field.debian import Apt, DebianError, unpack
from tests.daemons.test_outward import scrape

ROOT = Path(__file__).parents[2]
RULES = ROOT / "configs/alerts/kentongan.rules.yaml"
CACHE = ROOT / ".cache"


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return list(group["rules"])


def everything() -> Snapshot:
    """A centre that has something of each kind."""
    box = BoxView(online=True, beat_age_s=1, pending=1, pending_age_s=1, missing=1, troubles={"320": 1})
    slow = Durations(RECEIPT_BOUNDS_S)
    slow.add(0.2)
    waiting = Backlog({True: 1, False: 0}, 1, 1)
    notices = {("twice", "ktg-k7q2m7xa"): 1, ("walk", "ktg-k7q2m7xa"): 1, ("conflict", "ktg-k7q2m7xa"): 2}
    boxes = {"ktg-k7q2m7xa": box}
    delay, pictures = Durations(DELAY_BOUNDS_S), {"here": 4}
    return Snapshot(boxes, 1, {"alarm": 1}, notices, {"unknown box": 3}, slow, delay, waiting, 1.0, pictures)


def test_each_name_in_a_rule_is_a_name_in_the_output() -> None:
    with MetricsServer(("127.0.0.1", 0), everything) as server:
        text = scrape(server.port)[1]
    series = set(re.findall(r"^(\w+)(?:\{| )", text, re.MULTILINE))
    used = {name for rule in rules() for name in re.findall(r"\bkentongan_\w+", rule["expr"])}
    assert used - series == set()
    labels = {label for rule in rules() for label in re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"])}
    assert all(f'{label}="' in text for label in labels - {"instance"})


def test_each_rule_tells_what_to_do_in_both_languages() -> None:
    assert len({rule["alert"] for rule in rules()}) == len(rules()) == 12
    for rule in rules():
        said = rule["annotations"]
        assert list(said) == ["summary", "summary_en"]
        assert "Lakukan: " in said["summary"]
        assert "Do: " in said["summary_en"]


def test_nothing_but_metrics_is_served_and_an_unreadable_store_is_a_failed_scrape() -> None:
    def fails() -> Snapshot:
        raise FileNotFoundError("centre.db")

    with MetricsServer(("127.0.0.1", 0), fails) as server:
        for path, status in (("/", 404), ("/metrics", 503)):
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=10)
            refused.value.close()
            assert refused.value.code == status


def promtool() -> Path:
    """Prometheus's own checker: the machine's, the copy in the cache, else Debian's package."""
    installed = shutil.which("promtool")
    program = Path(installed) if installed else CACHE / "prometheus/usr/bin/promtool"
    if program.exists():
        return program
    try:
        with tempfile.TemporaryDirectory(prefix="prometheus-", dir=CACHE) as unfinished:
            for package in Apt(folder=CACHE / "apt").fetch(["prometheus"], Path(unfinished) / "packages"):
                unpack(package, Path(unfinished) / "unpacked")
            (Path(unfinished) / "unpacked").rename(CACHE / "prometheus")
    except (DebianError, OSError) as fault:
        pytest.skip(f"promtool is neither here nor to be had from Debian: {fault}")
    return program


def judged(*words: str | Path) -> str:
    done = subprocess.run([promtool(), *words], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prometheus_itself_accepts_the_rules() -> None:
    assert "SUCCESS: 12 rules found" in judged("check", "rules", RULES)


BOX = '{box="ktg-k7q2m7xa"}'
FIRED = [
    ("PusatDiam", {'up{job="kentongan-centre"}': "1 0x40"}),
    ("BoksDiam", {f"kentongan_centre_beat_age_seconds{BOX}": "10+15x40"}),
    ("BoksHilang", {f"kentongan_centre_online{BOX}": "1x4 0x36"}),
    (
        "BuktiTerlambat",
        {
            'kentongan_centre_receipt_seconds_bucket{le="1.0"}': "0+1x40",
            'kentongan_centre_receipt_seconds_bucket{le="5.0"}': "0+10x40",
            'kentongan_centre_receipt_seconds_bucket{le="+Inf"}': "0+10x40",
        },
    ),
    ("TanpaBukti", {f"kentongan_centre_pending_age_seconds{BOX}": "0+15x40"}),
    ("KejadianHilang", {f"kentongan_centre_missing{BOX}": "3x40"}),
    ("Gangguan", {'kentongan_centre_troubles_open{box="ktg-k7q2m7xa", cid="320"}': "1x40"}),
    ("Konflik", {"kentongan_centre_conflicts_total": "0x30 1x10"}),
    ("BoksGanda", {'kentongan_centre_notices_total{code="twice", box="ktg-k7q2m7xa"}': "_x30 1x10"}),
    ("UjiJalan", {f"kentongan_centre_walk_test_due{BOX}": "1x400"}),
    ("PenerusanTertunda", {'kentongan_centre_forward_backlog{lane="alarm"}': "2x40"}),
    ("PenerusanDitolak", {"kentongan_centre_forward_parked": "1x40"}),
]
WELL = {
    'up{job="kentongan-centre"}': "1x40",
    f"kentongan_centre_beat_age_seconds{BOX}": "0 15 30 45 0 15 30 45 0x32",
    'kentongan_centre_receipt_seconds_bucket{le="1.0"}': "0+10x40",
    'kentongan_centre_receipt_seconds_bucket{le="+Inf"}': "0+10x40",
    f"kentongan_centre_pending_age_seconds{BOX}": "0x40",
    f"kentongan_centre_missing{BOX}": "0x40",
    "kentongan_centre_conflicts_total": "2x40",
    'kentongan_centre_notices_total{code="site", box="ktg-k7q2m7xa"}': "1x40",
    'kentongan_centre_forward_backlog{lane="alarm"}': "0 1 0 1 0x36",
    "kentongan_centre_forward_parked": "0x40",
}
YOUNG = {f"kentongan_centre_walk_test_due{BOX}": "1x230"}


LATER = {"UjiJalan": "61m"}  # the others within ten minutes


def firing(folder: Path, series: dict[str, str], after: str = "10m") -> str:
    """What fires by then, in promtool's own words."""
    given = [{"series": name, "values": values} for name, values in series.items()]
    asked = {
        "rule_files": [str(RULES)],
        "evaluation_interval": "15s",
        "tests": [
            {
                "interval": "15s",
                "input_series": given,
                "promql_expr_test": [
                    {
                        "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
                        "eval_time": after,
                        "exp_samples": [{"labels": '{alertname="none"}', "value": 99}],
                    }
                ],
            }
        ],
    }
    path = folder / "test.yaml"
    path.write_text(yaml.safe_dump(asked), encoding="utf-8")
    done = subprocess.run([promtool(), "test", "rules", path], capture_output=True, text=True, timeout=60, check=False)
    told = done.stdout + done.stderr
    assert "got:" in told, told
    return told.partition("got:")[2]


@pytest.mark.parametrize(("alert", "series"), FIRED, ids=[alert for alert, _ in FIRED])
def test_each_alert_fires_and_alone(alert: str, series: dict[str, str], tmp_path: Path) -> None:
    assert re.findall(r'alertname="(\w+)"', firing(tmp_path, series, LATER.get(alert, "10m"))) == [alert]


def test_a_centre_that_is_well_fires_nothing(tmp_path: Path) -> None:
    assert re.findall(r'alertname="(\w+)"', firing(tmp_path, WELL)) == []


def test_a_walk_test_may_wait_for_an_hour(tmp_path: Path) -> None:
    assert re.findall(r'alertname="(\w+)"', firing(tmp_path, YOUNG, "57m")) == []
