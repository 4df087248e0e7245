"""A small centre, to learn from: python centre.py HOST PORT BOX KEYS (ca.pem centre.pem centre.key receipt.key box.pub).

It keeps the bytes as they came. What a box has signed is its event without `sig`, letter by letter: nothing is made again.
"""

import base64
import hashlib
import json
import re
import sys
import time

import paho.mqtt.client as mqtt
from nacl.exceptions import CryptoError
from nacl.signing import SigningKey, VerifyKey

host, port, box, keys = sys.argv[1:]
signer, of_box = (
    kind(open(f"{keys}/{name}", "rb").read()) for kind, name in ((SigningKey, "receipt.key"), (VerifyKey, "box.pub"))
)
SIGNED = re.compile(rb'(.*),"sig":"([A-Za-z0-9_-]{86})"(.*)', re.DOTALL)  # the last: members of `data` stand before it


def b64(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def each(payload):
    text, at = payload.decode(), 1
    while text.startswith("[") and at < len(text):  # a batch: the bytes of its events, cut where each one ends
        end = json.JSONDecoder().raw_decode(text, at)[1]
        yield text[at:end].encode()
        at = end + 1
    if not text.startswith("["):
        yield payload


def checked(raw):
    found = SIGNED.fullmatch(raw)
    if found is None:
        raise ValueError("no signature")
    before, sig, after = found.groups()
    of_box.verify(before + after, base64.urlsafe_b64decode(sig + b"=="))
    body = json.loads(raw)
    if body.get("source", f"urn:kentongan:{body.get('box')}") != f"urn:kentongan:{box}":
        raise ValueError("it names another box")
    return body


def heard(client, _, message):
    try:
        bodies = {raw: checked(raw) for raw in each(message.payload)}
    except (ValueError, CryptoError) as error:  # not from this box, or not whole: no receipt, and the box says it again
        print("refused", error, flush=True)
        return
    have, beat = [], None
    for raw, body in bodies.items():
        if message.topic.endswith("/beat"):
            beat = body["nonce"]
            continue
        print("stored", raw.decode(), flush=True)  # here your database commits; only then the receipt
        digest = b64(hashlib.sha256(hashlib.sha256(raw).digest()).digest()).decode()
        have.append({"epoch": body["epoch"], "ranges": [[int(body["sequence"])] * 2], "digest": digest})
    now = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
    receipt = {"v": 1, "box": box, "receiver": "Contoh Python", "time": now, "have": have, "beat": beat, "ask": []}
    signed = b64(b'{"alg":"EdDSA","kid":"receipt-1"}') + b"." + b64(json.dumps(receipt).encode())
    client.publish(f"kentongan/v1/{box}/receipt", signed + b"." + b64(signer.sign(signed).signature), qos=1)


client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
client.tls_set(f"{keys}/ca.pem", f"{keys}/centre.pem", f"{keys}/centre.key")
client.on_message = heard
client.on_connect = lambda *_: client.subscribe([(f"kentongan/v1/{box}/{leaf}", 1) for leaf in ("event/#", "beat")])
client.connect(host, int(port))
client.loop_forever()
