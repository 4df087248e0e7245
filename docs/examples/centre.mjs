// A centre with mqtt.js: node centre.mjs HOST PORT BOX KEYS (ca.pem centre.pem centre.key receipt.key box.pub)
// It keeps the bytes as they came. What a box has signed is its event without `sig`, letter by letter: nothing is made again.
import { createHash, createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import mqtt from "mqtt";

const [host, port, box, keys] = process.argv.slice(2);
const file = (name) => readFileSync(`${keys}/${name}`);
const der = (prefix, raw) => Buffer.concat([Buffer.from(prefix, "hex"), raw]);
const signer = createPrivateKey({ key: der("302e020100300506032b657004220420", file("receipt.key")), format: "der", type: "pkcs8" });
const ofBox = createPublicKey({ key: der("302a300506032b6570032100", file("box.pub")), format: "der", type: "spki" });
const sha256 = (raw) => createHash("sha256").update(raw).digest();

const SIGNED = /^(.*),"sig":"([A-Za-z0-9_-]{86})"(.*)$/s; // the last: members of `data` stand before it
const BETWEEN = /(?<=\}),(?=\{"bootclock":")/; // in a batch: every event begins so, and no string holds a bare quote
const each = (text) => (text.startsWith("[") ? text.slice(1, -1).split(BETWEEN) : [text]);
const checked = (raw) => {
  const [, before, sig, after] = SIGNED.exec(raw);
  if (!verify(null, Buffer.from(before + after), ofBox, Buffer.from(sig, "base64url"))) throw new Error("signature");
  const body = JSON.parse(raw);
  if ((body.source ?? `urn:kentongan:${body.box}`) !== `urn:kentongan:${box}`) throw new Error("it names another box");
  return { raw, ...body };
};

const client = mqtt.connect(`mqtts://${host}:${port}`, {
  protocolVersion: 5, ca: file("ca.pem"), cert: file("centre.pem"), key: file("centre.key"),
});
client.on("connect", () => client.subscribe([`kentongan/v1/${box}/event/#`, `kentongan/v1/${box}/beat`], { qos: 1 }));
client.on("message", (topic, payload) => {
  let said;
  try {
    said = each(payload.toString()).map(checked);
  } catch (error) { // not from this box, or not whole: no receipt, and the box says it again
    console.log("refused", error.message);
    return;
  }
  const isBeat = topic.endsWith("/beat");
  const have = isBeat ? [] : said.map(({ raw, epoch, sequence }) => {
    console.log("stored", raw); // here your database commits; only then the receipt
    return { epoch, ranges: [[Number(sequence), Number(sequence)]], digest: sha256(sha256(raw)).toString("base64url") };
  });
  const beat = isBeat ? said[0].nonce : null;
  const receipt = { v: 1, box, receiver: "Contoh JavaScript", time: new Date().toISOString(), have, beat, ask: [] };
  const signed = [{ alg: "EdDSA", kid: "receipt-1" }, receipt].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  client.publish(`kentongan/v1/${box}/receipt`, `${signed}.${sign(null, signed, signer).toString("base64url")}`, { qos: 1 });
});
