"""
Read what the headers of a JPEG, PNG or WebP say about the work that decoding it takes.

Nothing here decodes a pixel. A file of 400 KB can keep a decoder busy for half a minute, so a request checks
these headers and leaves the decoding to a worker.
"""

import re
import struct
import zlib
from collections.abc import Iterator

# Each scan of a JPEG goes through the whole image. libjpeg writes 10 for a colour photo and 18 for CMYK. A
# hundred take about 10 seconds for 40 million pixels, well within the task's deadline.
MOST_SCANS = 100
# Between the scans are tables, at most eight each. 10 MB of metadata fill 160 segments.
MOST_SEGMENTS = 1_000
# libpng writes a chunk for each 8 KB of a PNG. A WebP has one for each frame.
MOST_CHUNKS = 10_000
# Pillow unpacks at most this much of one text or profile in a PNG. Here it is the limit for all of them.
MOST_UNPACKED = 1024 * 1024

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Within the data of a scan, 0xFF is followed by 0 or by the number of a restart marker. More than one 0xFF
# is padding.
MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
END_OF_IMAGE, START_OF_SCAN, TEMPORARY, START_OF_IMAGE = 0xD9, 0xDA, 0x01, 0xD8
# Baseline, extended and progressive JPEG. Cameras and browsers know no others, such as arithmetic coding.
COMMON_FRAMES = {0xC0, 0xC1, 0xC2}
OTHER_FRAMES = {0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}

UNKNOWN = "The file is not an image that can be read here. Choose a JPEG, PNG or WebP."
DAMAGED = "The image is damaged or cut short. Export it again, or choose another."
TOO_MANY_CHUNKS = (
    f"The image has more than {MOST_CHUNKS:,} chunks. Save the photo again without metadata or animation."
)


class PhotoRefused(ValueError):
    """The upload can't be used as a photo. The message is shown to the visitor."""


def read_size(data: bytes) -> tuple[int, int]:
    """
    Return the width and height of a complete JPEG, PNG or WebP.

    Raise PhotoRefused if the file is something else, is cut short, or has many more parts than a photo.
    """
    if data.startswith(b"\xff\xd8\xff"):
        return read_jpeg(data)
    if data.startswith(PNG_SIGNATURE):
        return read_png(data)
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return read_webp(data)
    raise PhotoRefused(UNKNOWN)


def read_jpeg(data: bytes) -> tuple[int, int]:
    """Walk through the markers to the end of the image, and count its segments and scans."""
    size: tuple[int, int] | None = None
    scans = 0
    for marker, content in jpeg_segments(data):
        if marker in OTHER_FRAMES:
            raise PhotoRefused(
                "The JPEG is of a kind that browsers can't show. Save it again as an ordinary JPEG."
            )
        if marker in COMMON_FRAMES:
            if size is not None or len(content) < 6:
                raise PhotoRefused(DAMAGED)
            height, width = struct.unpack_from(">HH", content, 1)
            size = width, height
        elif marker == START_OF_SCAN:
            scans += 1
            if scans > MOST_SCANS:
                raise PhotoRefused(
                    f"The JPEG has more than {MOST_SCANS} scans, which take long to decode. "
                    "Save the photo again as an ordinary JPEG, not progressive."
                )
    if size is None or not scans:
        raise PhotoRefused(DAMAGED)
    return size


def jpeg_segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the marker and the content of each segment up to the end of the image."""
    at = 2
    for _ in range(MOST_SEGMENTS):
        found = MARKER.search(data, at)
        if found is None or data[found.end() - 1] == START_OF_IMAGE:
            raise PhotoRefused(DAMAGED)
        marker, at = data[found.end() - 1], found.end()
        if marker == END_OF_IMAGE:
            return
        if marker == TEMPORARY:  # It has no content.
            continue
        length = int.from_bytes(data[at : at + 2])
        if length < 2 or at + length > len(data):
            raise PhotoRefused(DAMAGED)
        yield marker, data[at + 2 : at + length]
        at += length
    raise PhotoRefused(
        f"The JPEG has more than {MOST_SEGMENTS:,} segments. Save the photo again without metadata, "
        "and not progressive."
    )


def read_png(data: bytes) -> tuple[int, int]:
    """Walk through the chunks to the end of the image, and add up what its texts and profile unpack to."""
    chunks = png_chunks(data)
    name, header = next(chunks)
    if name != b"IHDR" or len(header) != 13:
        raise PhotoRefused(DAMAGED)
    room = MOST_UNPACKED
    for name, content in chunks:
        room -= unpacked_size(packed_part(name, content), room + 1)
        if room < 0:
            raise PhotoRefused(
                f"The texts and the colour profile in the PNG are larger than {MOST_UNPACKED // 1024**2} MB. "
                "Save the photo again without metadata."
            )
    width, height = struct.unpack_from(">II", header)
    return width, height


def png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the name and the content of each chunk up to the end of the image."""
    at = len(PNG_SIGNATURE)
    for _ in range(MOST_CHUNKS):
        length, name = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        end = at + 12 + length
        if end > len(data):
            raise PhotoRefused(DAMAGED)
        yield name, data[at + 8 : end - 4]
        if name == b"IEND":
            return
        at = end
    raise PhotoRefused(TOO_MANY_CHUNKS)


def packed_part(name: bytes, content: bytes) -> bytes:
    """Return what zlib has packed in a text or a profile of a PNG, or b"" for any other chunk."""
    rest = content.partition(b"\0")[2]
    if name in {b"zTXt", b"iCCP"}:
        return rest[1:]
    if name == b"iTXt" and rest[:1] == b"\1":
        return rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    return b""


def unpacked_size(packed: bytes, most: int) -> int:
    """
    Unpack at most `most` bytes, and return how many there were. Raise PhotoRefused if they are damaged.

    Damage may follow a megabyte of good data, whose unpacking a limit of the sum must not miss.
    """
    try:
        return len(zlib.decompressobj().decompress(packed, most)) if packed else 0
    except zlib.error as exc:
        raise PhotoRefused(DAMAGED) from exc


def read_webp(data: bytes) -> tuple[int, int]:
    """Walk through the chunks of the RIFF container. The first one has the size."""
    chunks = list(webp_chunks(data))
    size = webp_size(*chunks[0]) if chunks else None
    if size is None:
        raise PhotoRefused(DAMAGED)
    return size


def webp_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the name and the content of each chunk in the container."""
    at, end = 12, 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise PhotoRefused(DAMAGED)
    for _ in range(MOST_CHUNKS):
        if at + 8 > end:
            return
        name, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if at + 8 + length > end:
            raise PhotoRefused(DAMAGED)
        yield name, data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2
    raise PhotoRefused(TOO_MANY_CHUNKS)


def webp_size(name: bytes, content: bytes) -> tuple[int, int] | None:
    """Return the width and height in the first chunk, or None if it has none."""
    if name == b"VP8X" and len(content) >= 10:
        return int.from_bytes(content[4:7], "little") + 1, int.from_bytes(content[7:10], "little") + 1
    if name == b"VP8 " and content[3:6] == b"\x9d\x01\x2a" and len(content) >= 10:
        width, height = struct.unpack_from("<HH", content, 6)
        return width & 0x3FFF, height & 0x3FFF
    if name == b"VP8L" and content[:1] == b"\x2f" and len(content) >= 5:
        bits = int.from_bytes(content[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return None
