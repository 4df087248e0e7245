"""Simulated ONVIF cameras: a fake of the other end of the wire. Shares no code with the drivers that it is met by."""

from drivers.sim.camera.camera import SimCamera
from drivers.sim.camera.events import Topic
from drivers.sim.camera.spec import Digest, Quirk, Spec, street
from drivers.sim.camera.town import SimCameras
from drivers.sim.camera.visits import Proof, Verdict, Visit

__all__ = ["Digest", "Proof", "Quirk", "SimCamera", "SimCameras", "Spec", "Topic", "Verdict", "Visit", "street"]
