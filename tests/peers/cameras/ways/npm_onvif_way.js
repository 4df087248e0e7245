// npm onvif as its README uses it: "discover", or "ask" so many cameras, all at once. Cameras come in $SIM_CAMERAS.
'use strict';

const onvif = require(process.argv[2]);
const began = process.hrtime.bigint();

function tell(what) {
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  process.stdout.write(`${JSON.stringify({ ...what, seconds })}\n`, () => process.exit(0));
}

function discover() {
  onvif.Discovery.on('error', () => {});
  onvif.Discovery.probe((_, cams) => tell({ found: cams.map((cam) => cam.hostname).sort() }));
}

function called(cam, name) {
  return new Promise((resolve, reject) => {
    cam[name]((error, answer) => (error ? reject(error) : resolve(answer)));
  });
}

async function one({ host, port, user }) {
  const password = process.env.SIM_PASSWORD;
  const cam = new onvif.Cam({ hostname: host, port, username: user, password, timeout: 60000, autoconnect: false });
  await called(cam, 'connect');
  const about = await called(cam, 'getDeviceInformation');
  const wires = await called(cam, 'getNetworkInterfaces');
  const { uri } = await called(cam, 'getSnapshotUri');
  const wire = wires.networkInterfaces || (Array.isArray(wires) ? wires[0] : wires);
  const mac = (Array.isArray(wire) ? wire[0] : wire).info.hwAddress;
  return { serial: about.serialNumber, mac, profiles: cam.profiles.length, snapshot: uri };
}

async function ask() {
  const cameras = JSON.parse(process.env.SIM_CAMERAS).slice(0, Number(process.argv[4]));
  const read = {};
  await Promise.all(cameras.map(async (camera) => {
    read[camera.host] = await one(camera).catch((error) => ({ fault: String(error) }));
  }));
  tell({ read });
}

({ discover, ask })[process.argv[3]]();
