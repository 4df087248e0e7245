"""thingsboard-gateway as its authors ship it, in an environment of its own: MQTT connector, SQLite, ThingsBoard."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

from edge.core.events import Frozen
from edge.field.broker import ANONYMOUS, LOOPBACK, Broker, find_broker
from edge.field.children import Child
from edge.field.stage import Stage
from tests.apart import environment
from tests.bootstrap import CACHE
from tests.peers.events import FIRST, LOCAL_TOPIC, publish, written
from tests.peers.outage import About
from tests.peers.upstream import TOKEN

VERSION: Final = "3.8.5"
RUN: Final = "import os; os.chdir({folder!r}); from thingsboard_gateway.tb_gateway import daemon; daemon()"
STARTED: Final = "Gateway started"
FIRST_MS: Final = 1_755_400_000_000
START_MAX_S: Final = 60.0

Said = Callable[[Frozen], bytes]


def number(event: Frozen) -> bytes:
    """One small reading, as a sensor with a clock would give it: each has a millisecond of its own."""
    return json.dumps({"ts": FIRST_MS + event.id.seq, "count": FIRST + event.id.seq}).encode()


def undated(event: Frozen) -> bytes:
    """One small reading that the gateway dates when it comes."""
    return json.dumps({"count": FIRST + event.id.seq}).encode()


def whole(event: Frozen) -> bytes:
    """The signed event as one string, in a millisecond of its own."""
    return json.dumps({"ts": FIRST_MS + event.id.seq, "event": event.raw.decode()}).encode()


COUNT: Final = {"type": "integer", "key": "count", "value": "${count}"}
EVENT: Final = {"type": "string", "key": "event", "value": "${event}"}
INPUTS: Final[dict[Said, tuple[str, dict[str, str]]]] = {
    number: ("numbers with a time", COUNT),
    undated: ("numbers without", COUNT),
    whole: ("signed events", EVENT),
}


class Gateway:
    """The local broker lives through everything and queues without a limit; the gateway is what is killed."""

    def __init__(self, stage: Stage, folder: Path, said: Said, rest_s: float) -> None:
        """Raises NotInstalled. It takes about a minute the first time."""
        python = environment("thingsboard-gateway", f"thingsboard-gateway=={VERSION}")
        fed, self._field = INPUTS[said]
        self.about: Final = About(f"thingsboard-gateway {VERSION}", f"MQTT QoS 1, {fed}", "SQLite, rest stock", rest_s)
        self._stage, self._folder, self._said = stage, folder, said
        folder.mkdir(parents=True)
        lines = ("max_queued_messages 0", "set_tcp_nodelay true")
        self._local = Broker(find_broker(CACHE), listeners={"local": ANONYMOUS}, lines=lines, parent=folder)
        command = [str(python), "-c", RUN.format(folder=str(folder))]
        self._child = Child("thingsboard", command, folder / "log", {"TB_GW_CONFIG_DIR": str(folder / "config")})

    @property
    def pid(self) -> int:
        return self._child.pid

    def begin(self) -> None:
        self._local.__enter__()
        self._configure()
        self._child.start()
        self._child.wait_said(STARTED, within_s=START_MAX_S)

    def offer(self, count: int) -> None:
        rows = [self._said(event) for event in written(self._stage.places, self._stage.box, count)]
        publish(self._local.ports["local"], rows)

    def kill(self) -> None:
        self._child.kill()

    def again(self) -> None:
        self._child.start()

    def settle(self, back_ns: int) -> str:
        return ""

    def close(self) -> None:
        self._child.stop()
        self._local.__exit__(None, None, None)

    def _configure(self) -> None:
        config = self._folder / "config"
        config.mkdir()
        for name, content in (
            ("tb_gateway.json", _gateway(self._stage.broker.ports["plain"], self._folder / "data")),
            ("mqtt.json", _connector(self._local.ports["local"], self._field)),
            ("logs.json", LOGS),
        ):
            (config / name).write_text(json.dumps(content), "utf-8")


def _gateway(upstream: int, folder: Path) -> dict[str, object]:
    """Of the shipped file: where, by whom, and SQLite instead of memory; everything left out is its default."""
    return {
        "thingsboard": {
            "host": LOOPBACK,
            "port": upstream,
            "remoteConfiguration": False,
            "statistics": {"enable": False},
            "security": {"type": "accessToken", "accessToken": TOKEN},
            "qos": 1,
            "reportStrategy": {"type": "ON_RECEIVED"},
        },
        "storage": {"type": "sqlite", "data_file_path": f"{folder}/"},
        "connectors": [{"name": "local", "type": "mqtt", "configuration": "mqtt.json"}],
    }


def _connector(local: int, field: dict[str, str]) -> dict[str, object]:
    """The shipped example, with one field of ours."""
    device = {
        "deviceNameExpressionSource": "constant",
        "deviceNameExpression": "Pos ronda",
        "deviceProfileExpressionSource": "constant",
        "deviceProfileExpression": "default",
    }
    converter = {
        "type": "json",
        "deviceInfo": device,
        "sendDataOnlyOnChange": False,
        "timeout": 60000,
        "timeseries": [field],
    }
    broker = {
        "host": LOOPBACK,
        "port": local,
        "clientId": "ThingsBoard_gateway",
        "version": 5,
        "maxMessageNumberPerWorker": 10,
        "maxNumberOfWorkers": 100,
        "security": {"type": "anonymous"},
    }
    return {
        "broker": broker,
        "mapping": [{"topicFilter": LOCAL_TOPIC, "subscriptionQos": 1, "converter": converter}],
    }


LOGS: Final = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"out": {"class": "logging.StreamHandler", "stream": "ext://sys.stderr", "level": 0}},
    "root": {"level": "INFO", "handlers": ["out"]},
    "loggers": {
        name: {"handlers": ["out"], "level": "INFO", "propagate": False}
        for name in ("service", "connector", "converter", "tb_connection", "storage", "extension", "database")
    },
}
