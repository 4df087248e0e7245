"""A JPEG out of an encoded key frame, by ffmpeg where it is installed: no network, no login, no file, little time."""

import os
import shutil
import subprocess
from typing import Final

from drivers.camera import NoPicture, NotOffered
from drivers.lan import Deadline
from drivers.rtsp import KeyFrame

MEMORY: Final = 512 * 1024 * 1024  # of address space; a 4K picture decodes in a third of it
CPU_S: Final = 4
QUALITIES: Final = (4, 10, 20)  # of ffmpeg's scale, 2 the best; the next where the picture is too large
LIMITS: Final = (f"--as={MEMORY}", f"--cpu={CPU_S}", "--nofile=16", "--fsize=0", "--core=0")
DEFAULT_PATH: Final = "/usr/bin:/bin"


def developed(frame: KeyFrame, limit: int, until: Deadline) -> bytes:
    """One JPEG of at most `limit` bytes.

    raises: NotOffered where ffmpeg is not installed, NoPicture where it cannot read the frame, Slow
    """
    path = os.environ.get("PATH", DEFAULT_PATH)
    programs = [shutil.which(name, path=path) for name in ("prlimit", "ffmpeg")]
    if None in programs:
        raise NotOffered("ffmpeg is not installed")
    for quality in QUALITIES:
        jpeg = _run([str(program) for program in programs], frame, quality, until)
        if len(jpeg) <= limit:
            return jpeg
    raise NoPicture("its picture is too large")


def _run(programs: list[str], frame: KeyFrame, quality: int, until: Deadline) -> bytes:
    limiter, ffmpeg = programs
    command = [limiter, *LIMITS, ffmpeg, "-nostdin", "-hide_banner", "-loglevel", "quiet", "-threads", "1"]
    command += ["-protocol_whitelist", "pipe", "-f", frame.codec, "-i", "pipe:0"]
    command += ["-frames:v", "1", "-threads", "1", "-c:v", "mjpeg", "-q:v", str(quality), "-f", "image2pipe", "pipe:1"]
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command; strangers' bytes go to its input alone
            command, input=frame.raw, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={"PATH": DEFAULT_PATH},
            timeout=until.left(), check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        until.left()
        raise NoPicture("ffmpeg took too long") from None
    if done.returncode or not done.stdout:
        raise NoPicture("its stream gives no picture")
    return done.stdout
