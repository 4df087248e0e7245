"""docs/centre-operations.md: its example is run against a real POST, its table against the real output."""

import re
from collections.abc import Callable
from pathlib import Path

from edge.centre.metrics import MetricsServer
from edge.centre.webhook import Target, Webhook
from tests.daemons.receiver import SECRET, SECRET_FILE, Receiver
from tests.daemons.test_alerts import everything, rules
from tests.daemons.test_outward import scrape

PAGE = (Path(__file__).parents[2] / "docs/centre-operations.md").read_text(encoding="utf-8")


def verifier() -> Callable[[dict[str, str], bytes, str], bool]:
    (code,) = re.findall(r"```python verify\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Callable[[dict[str, str], bytes, str], bool]] = {}
    exec(code, names)
    return names["genuine"]


def test_the_example_verifies_what_we_send_and_nothing_else() -> None:
    with Receiver() as receiver:
        hook = Webhook(Target.of(receiver.url), SECRET)
        hook.post("7c1f0b2e.1", b'{"id":"7c1f0b2e.1"}')
        hook.release()
    (post,) = receiver.posts
    genuine, secret = verifier(), SECRET_FILE.strip()
    assert genuine(post.headers, post.body, secret)
    assert not genuine(post.headers, post.body + b" ", secret)
    assert not genuine(post.headers | {"webhook-id": "7c1f0b2e-2"}, post.body, secret)
    with Receiver() as receiver:
        hook = Webhook(Target.of(receiver.url), SECRET, clock=lambda: 1.0e9)  # genuine, and replayed years later
        hook.post("7c1f0b2e.1", b"{}")
        hook.release()
    assert receiver.posts[0].genuine
    assert not genuine(receiver.posts[0].headers, receiver.posts[0].body, secret)


def test_the_table_names_every_metric_and_no_other() -> None:
    with MetricsServer(("127.0.0.1", 0), everything) as server:
        text = scrape(server.port)[1]
    types = re.findall(r"^# TYPE kentongan_centre_(\w+) (\w+)$", text, re.MULTILINE)
    shown = {f"{name}_total" if kind == "counter" else name for name, kind in types}
    told = re.findall(r"^\| `(\w+)` \| ([\w, ]*?) ?\| ", PAGE, re.MULTILINE)
    assert {name for name, _ in told} == shown
    labels = {label for _, words in told for label in words.split(", ") if label}
    assert {label for inside in re.findall(r"\{(.*?)\}", text) for label in re.findall(r"(\w+)=", inside)} == labels


def test_the_page_names_as_many_alerts_as_are_shipped() -> None:
    (listed,) = re.findall(r"They watch:\n(.*?)\. The scrape", PAGE, re.DOTALL)
    assert len(listed.split(",")) == len(rules())
