"""Small files that a decoder would work on for long, or fill its memory with."""

import re
import struct
import zlib
from collections.abc import Iterable, Iterator

from PIL import Image

from tests.unit.lab.images import encoded, photo

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# In the data of a scan, 0xFF is followed by 0 or by the number of a restart marker.
SCAN_END = re.compile(rb"\xff[^\x00\xd0-\xd7]")


def many_scans(scans: int, side: int = 1_000) -> bytes:
    """Return a progressive JPEG with that many scans: the last one, a refinement, is repeated."""
    data = encoded(Image.new("L", (side, side), 90), "JPEG", progressive=True)
    begin = data.rindex(b"\xff\xda")
    marker = SCAN_END.search(data, begin + 2)
    assert marker is not None
    end, present = marker.start(), data.count(b"\xff\xda")
    return data[:end] + data[begin:end] * (scans - present) + data[end:]


def segment(marker: int, content: bytes) -> bytes:
    """Return a segment of a JPEG."""
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def with_segments(segments: Iterable[bytes]) -> bytes:
    """Return a JPEG with more segments before its own."""
    data = photo()
    return data[:2] + b"".join(segments) + data[2:]


def chunk(name: bytes, content: bytes = b"") -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def chunks_of(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the name and the content of each chunk."""
    at = len(PNG_SIGNATURE)
    while at < len(png):
        size = int.from_bytes(png[at : at + 4])
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + size]
        at += 12 + size


def with_chunks(chunks: Iterable[bytes], png: bytes | None = None) -> bytes:
    """Return a PNG with more chunks after its header."""
    (name, header), *rest = chunks_of(png or photo(kind="PNG"))
    own = [chunk(*other) for other in rest]
    return b"".join([PNG_SIGNATURE, chunk(name, header), *chunks, *own])


def packed(size: int) -> bytes:
    """Return zeros of that size, compressed as far as zlib can."""
    packer = zlib.compressobj(9)
    part = bytes(min(size, 1_000_000))
    return b"".join(packer.compress(part) for _ in range(size // len(part))) + packer.flush()


def riff(name: bytes, content: bytes) -> bytes:
    """Return a chunk of a WebP."""
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def webp(*chunks: bytes) -> bytes:
    """Return a WebP of these chunks."""
    return riff(b"RIFF", b"WEBP" + b"".join(chunks))


def many_frames(frames: int) -> bytes:
    """Return an animated WebP that repeats one small frame."""
    image = photo(16, 16, "WEBP")[12:]
    frame = riff(b"ANMF", struct.pack("<3H3s3s3sB", 0, 0, 0, b"\x0f\0\0", b"\x0f\0\0", b"\1\0\0", 0) + image)
    header = riff(b"VP8X", struct.pack("<B3x3s3s", 2, b"\x0f\0\0", b"\x0f\0\0"))
    return webp(header, riff(b"ANIM", bytes(6)), *[frame] * frames)


def exif_bomb(size: int, entries: int) -> bytes:
    """Return EXIF data whose entries all contain the same bytes: nearly the whole data."""
    count = size - 100
    directory = b"".join(struct.pack("<HHII", tag + 1, 7, count, 8) for tag in range(entries))
    data = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", entries) + directory + bytes(4)
    return data + bytes(max(0, size - len(data)))


def slow_profile(steps: int) -> bytes:
    """Return an ICC profile for RGB whose colours go through the same curves that many times."""
    # One curve of one segment: y = x ** 0.99, from minus to plus infinity. All steps share it.
    segment_of_curve = b"parf" + struct.pack(">I2H4f", 0, 0, 0, 0.99, 1, 0, 0)
    curve = b"curf" + struct.pack(">I2H", 0, 1, 0) + segment_of_curve
    curves = b"cvst" + struct.pack(">I2H", 0, 3, 3) + struct.pack(">2I", 36, len(curve)) * 3 + curve
    begin = 16 + 8 * steps
    process = b"mpet" + struct.pack(">I2HI", 0, 3, 3, steps)
    process += struct.pack(">2I", begin, len(curves)) * steps + curves
    tags = struct.pack(">I", 1) + b"D2B0" + struct.pack(">2I", 144, len(process))
    header = struct.pack(">I4sI4s4s4s", 144 + len(process), b"\0" * 4, 0x04300000, b"mntr", b"RGB ", b"XYZ ")
    header += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp")
    return header.ljust(128, b"\0") + tags + process
