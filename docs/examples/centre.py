"""A small centre, to learn from (keep the bytes as they came, and check `source`, in yours): python centre.py HOST PORT BOX KEYS (ca.pem centre.pem centre.key receipt.key box.pub)."""

import base64
import hashlib
import json
import sys
import time

import paho.mqtt.client as mqtt
from nacl.signing import SigningKey, VerifyKey

host, port, box, keys = sys.argv[1:]
signer, of_box = (
    kind(open(f"{keys}/{name}", "rb").read()) for kind, name in ((SigningKey, "receipt.key"), (VerifyKey, "box.pub"))
)


def b64(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def checked(body):
    sig = base64.urlsafe_b64decode(body.pop("sig") + "==")
    of_box.verify(canonical(body), sig)  # raises for what the box did not sign
    return {**body, "sig": b64(sig).decode()}


def heard(client, _, message):
    said = json.loads(message.payload)
    bodies = [checked(body) for body in (said if isinstance(said, list) else [said])]
    have, beat = [], bodies[0].get("nonce")
    for body in [] if beat else bodies:
        print("stored", canonical(body).decode(), flush=True)  # here your database commits; only then the receipt
        digest = b64(hashlib.sha256(hashlib.sha256(canonical(body)).digest()).digest()).decode()
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
