"""Generated photos for tests, both well-formed and hostile."""

import struct
import zlib
from io import BytesIO

from PIL import ExifTags, Image

RED, BLUE = (200, 30, 30), (30, 30, 200)


def photo(width: int = 400, height: int = 300, kind: str = "JPEG", **options: object) -> bytes:
    """Return an image whose left half is red and right half blue."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(BLUE, (width // 2, 0, width, height))
    return encoded(image, kind, **options)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def noise(width: int = 640, height: int = 480) -> bytes:
    """Return a JPEG that stays large when it is compressed."""
    return encoded(Image.effect_noise((width, height), 80).convert("RGB"), "JPEG")


def turned(orientation: int) -> bytes:
    """Return a photo whose EXIF data contains its orientation and an artist."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Artist] = "Somebody with a name"
    return photo(exif=exif)


def bomb(width: int, height: int) -> bytes:
    """Return a PNG of a few bytes that claims to be of that size."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body
