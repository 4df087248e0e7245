// A centre with mqtt.js: node centre.mjs HOST PORT BOX KEYS (ca.pem centre.pem centre.key receipt.key box.pub)
import { createHash, createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import mqtt from "mqtt";

const [host, port, box, keys] = process.argv.slice(2);
const file = (name) => readFileSync(`${keys}/${name}`);
const der = (prefix, raw) => Buffer.concat([Buffer.from(prefix, "hex"), raw]);
const signer = createPrivateKey({ key: der("302e020100300506032b657004220420", file("receipt.key")), format: "der", type: "pkcs8" });
const ofBox = createPublicKey({ key: der("302a300506032b6570032100", file("box.pub")), format: "der", type: "spki" });
const sha256 = (raw) => createHash("sha256").update(raw).digest();
const sorted = (value) => Array.isArray(value) ? value.map(sorted) : value && typeof value === "object"
  ? Object.fromEntries(Object.keys(value).sort().map((name) => [name, sorted(value[name])])) : value;
const canonical = (value) => JSON.stringify(sorted(value)); // RFC 8785: our events have no floats

const client = mqtt.connect(`mqtts://${host}:${port}`, {
  protocolVersion: 5, ca: file("ca.pem"), cert: file("centre.pem"), key: file("centre.key"),
});
client.on("connect", () => client.subscribe([`kentongan/v1/${box}/event/#`, `kentongan/v1/${box}/beat`], { qos: 1 }));
client.on("message", (topic, payload) => {
  const said = JSON.parse(payload);
  const have = [];
  for (const body of [said].flat()) {
    const { sig, ...unsigned } = body;
    if (!verify(null, Buffer.from(canonical(unsigned)), ofBox, Buffer.from(sig, "base64url"))) return;
    if (topic.endsWith("/beat")) continue;
    console.log("stored", canonical(body)); // here your database commits; only then the receipt
    const digest = sha256(sha256(canonical(body))).toString("base64url");
    have.push({ epoch: body.epoch, ranges: [[Number(body.sequence), Number(body.sequence)]], digest });
  }
  const receipt = { v: 1, box, receiver: "Contoh JavaScript", time: new Date().toISOString(), have, beat: said.nonce ?? null, ask: [] };
  const signed = [{ alg: "EdDSA", kid: "receipt-1" }, receipt].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  client.publish(`kentongan/v1/${box}/receipt`, `${signed}.${sign(null, signed, signer).toString("base64url")}`, { qos: 1 });
});
