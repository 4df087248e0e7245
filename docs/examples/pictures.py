"""The pictures of one box, for a centre to learn from: python pictures.py HOST PORT BOX KEYS DIR

KEYS: ca.pem centre.pem centre.key receipt.key box.pub, and picture-1.key: 32 bytes, the private half of the picture key.
A picture's header is an event like any other; its receipt says that the whole picture is here, so it waits for the parts.
"""

import base64
import hashlib
import json
import pathlib
import re
import sys
import time

import paho.mqtt.client as mqtt
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, SealedBox
from nacl.signing import SigningKey, VerifyKey

host, port, box, keys, folder = sys.argv[1:]
key = {path.name: path.read_bytes() for path in pathlib.Path(keys).iterdir()}
signer, of_box = SigningKey(key["receipt.key"]), VerifyKey(key["box.pub"])
SIGNED = re.compile(rb'(.*),"sig":"([A-Za-z0-9_-]{86})"(.*)', re.DOTALL)
headers, parts = {}, {}  # by the header's id; a centre keeps both in its database


def b64(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def header(raw):
    before, sig, after = SIGNED.fullmatch(raw).groups()
    of_box.verify(before + after, base64.urlsafe_b64decode(sig + b"=="))
    body = json.loads(raw)
    if body["source"] != f"urn:kentongan:{box}" or not 1 <= body["data"]["parts"] <= 256:
        raise ValueError("not of this box, or no header")
    headers[body["id"]] = raw, body


def part(identity, number, raw):
    if len(raw) > 8192 or number > 256 or (identity not in parts and len(parts) > 3):
        raise ValueError("more than a picture has")
    parts.setdefault(identity, {})[number] = raw


def whole(identity):
    """The JPEG, or None while parts are missing."""
    raw, body = headers.get(identity, (None, None))
    found = parts.get(identity, {})
    if raw is None or len(found) < body["data"]["parts"]:
        return None
    sealed = b"".join(found[number] for number in sorted(parts.pop(identity)))
    if hashlib.sha256(sealed).hexdigest() != body["data"]["sha256"]:
        raise ValueError("its bytes are not what the header says")
    jpeg = SealedBox(PrivateKey(key[body["data"]["kid"] + ".key"])).decrypt(sealed)
    if not jpeg.startswith(b"\xff\xd8\xff"):
        raise ValueError("no JPEG")
    return jpeg


def heard(client, _, message):
    _, _, _, kind, *rest = message.topic.split("/")
    try:
        if kind == "event":
            header(message.payload)
            identity = json.loads(message.payload)["id"]
        else:
            identity = rest[0]
            part(identity, int(rest[1]), message.payload)
        jpeg = whole(identity)
    except (ValueError, KeyError, AttributeError, CryptoError) as error:
        print("refused", message.topic, error, flush=True)
        return
    if jpeg is None:
        return
    raw, body = headers.pop(identity)
    what = body["data"].get("alarm") or body["data"]["jti"]
    pathlib.Path(folder, f"{identity}.jpg").write_bytes(jpeg)
    print("picture", identity, body["data"]["camera"], "of", what, flush=True)
    digest = b64(hashlib.sha256(hashlib.sha256(raw).digest()).digest()).decode()
    have = [{"epoch": body["epoch"], "ranges": [[int(body["sequence"])] * 2], "digest": digest}]
    now = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
    receipt = {"v": 1, "box": box, "receiver": "Contoh gambar", "time": now, "have": have, "beat": None, "ask": []}
    signed = b64(b'{"alg":"EdDSA","kid":"receipt-1"}') + b"." + b64(json.dumps(receipt).encode())
    client.publish(f"kentongan/v1/{box}/receipt", signed + b"." + b64(signer.sign(signed).signature), qos=1)


client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
client.tls_set(f"{keys}/ca.pem", f"{keys}/centre.pem", f"{keys}/centre.key")
client.on_message = heard
leaves = ("event/picture", "picture/#")
client.on_subscribe = lambda *_: print("listening", flush=True)
client.on_connect = lambda *_: client.subscribe([(f"kentongan/v1/{box}/{leaf}", 1) for leaf in leaves])
client.connect(host, int(port))
client.loop_forever()
