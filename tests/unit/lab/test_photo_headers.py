"""The check of an upload: small files that take long to decode are refused, and ordinary photos aren't."""

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from lab.photo_headers import (
    MOST_CHUNKS,
    MOST_SCANS,
    MOST_SEGMENTS,
    MOST_UNPACKED,
    jpeg_segments,
    read_size,
    unpacked_size,
)
from lab.photos import FORMATS, PhotoRefused, check_photo, render
from tests.unit.lab.hostile_images import (
    chunk,
    many_frames,
    many_scans,
    packed,
    riff,
    segment,
    slow_profile,
    webp,
    with_chunks,
    with_segments,
)
from tests.unit.lab.images import bomb, encoded, noise, photo, turned

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
SIDE = Image.effect_noise((80, 60), 80)
COLOUR = SIDE.convert("RGB")
EXIF = Image.Exif()
EXIF[0x0112] = 6


def inserted(jpeg: bytes, *segments: bytes) -> bytes:
    return jpeg[:2] + b"".join(segments) + jpeg[2:]


ORDINARY = {
    "baseline": noise(),
    "grey": encoded(SIDE, "JPEG"),
    "progressive": encoded(COLOUR, "JPEG", progressive=True),
    "progressive CMYK, 18 scans": encoded(COLOUR.convert("CMYK"), "JPEG", progressive=True),
    "restart markers": encoded(COLOUR, "JPEG", restart_marker_blocks=1),
    "turned": turned(6),
    "with a second, smaller image": encoded(
        COLOUR, "MPO", save_all=True, append_images=[SIDE.resize((40, 30))]
    ),
    "with a film at the end": photo() + b"\0\0\0\x18ftypmp42" + bytes(5_000),
    "9 MB of metadata": inserted(
        photo(), *[segment(0xE1, b"http://ns.adobe.com/xmp/" + bytes(60_000))] * 150
    ),
    "zeros between segments": inserted(photo(), segment(0xFE, b"a camera"), bytes(100)),
    "JPEG with a profile": photo(icc_profile=PROFILE),
    "a profile in six segments": photo(icc_profile=PROFILE + bytes(300_000)),
    "PNG": photo(kind="PNG"),
    "PNG of 16 bits": encoded(SIDE.convert("I;16"), "PNG"),
    "PNG with a palette": encoded(COLOUR.convert("P"), "PNG", transparency=0),
    "PNG with grey and alpha": encoded(SIDE.convert("LA"), "PNG"),
    "PNG with metadata": encoded(COLOUR, "PNG", icc_profile=PROFILE, exif=EXIF),
    "PNG with texts": with_chunks([chunk(b"tEXt", b"a\0b"), chunk(b"zTXt", b"c\0\0" + packed(500_000))]),
    "WebP": photo(kind="WEBP"),
    "WebP without loss": photo(kind="WEBP", lossless=True),
    "WebP with alpha": encoded(COLOUR.convert("RGBA"), "WEBP"),
    "WebP with metadata": photo(kind="WEBP", icc_profile=PROFILE, exif=EXIF),
    "WebP with frames": many_frames(20),
}


@pytest.mark.parametrize("data", ORDINARY.values(), ids=ORDINARY)
def test_an_ordinary_photo_passes_and_is_rendered(data: bytes):
    check_photo(data)

    assert len(list(render(data))) == 5


@pytest.mark.parametrize(
    ("image", "size"),
    [
        (encoded(SIDE.crop((0, 0, width, height)), kind, **options), (width, height))
        for kind in FORMATS
        for width, height in ((17, 41), (80, 16))
        for options in ({}, {"lossless": True} if kind == "WEBP" else {"exif": EXIF})
    ],
)
def test_the_size_is_that_in_the_header(image: bytes, size: tuple[int, int]):
    assert read_size(image) == size


@pytest.mark.parametrize(
    ("data", "advice"),
    [
        (many_scans(MOST_SCANS + 1), "not progressive"),
        (many_scans(1_500), "more than 100 scans"),
        (with_segments([segment(0xFE, b"")] * 100_000), "1,000 segments. Save the photo again without"),
        (with_segments([segment(0xE1, b"")] * MOST_SEGMENTS), "1,000 segments"),
        (with_chunks([chunk(b"zTXt", b"a\0\0" + packed(64_000_000))]), "texts .* larger than 1 MB"),
        (with_chunks([chunk(b"iTXt", b"a\0\1\0\0\0" + packed(64_000_000))]), "texts .* larger than 1 MB"),
        (with_chunks([chunk(b"iCCP", b"a\0\0" + packed(64_000_000))]), "profile .* larger than 1 MB"),
        (with_chunks([chunk(b"zTXt", b"a\0\0" + packed(900_000))] * 2), "again without metadata"),
        (with_chunks([chunk(b"abCd")] * MOST_CHUNKS), "more than 10,000 chunks"),
        (with_chunks([chunk(b"IDAT")] * MOST_CHUNKS), "more than 10,000 chunks"),
        (many_frames(MOST_CHUNKS), "without metadata or animation"),
        (webp(photo(kind="WEBP")[12:], *[riff(b"abcd", b"")] * MOST_CHUNKS), "more than 10,000 chunks"),
    ],
    ids=range(12),
)
def test_a_small_file_that_takes_long_to_decode_is_refused(data: bytes, advice: str):
    with pytest.raises(PhotoRefused, match=advice):
        check_photo(data)


@pytest.mark.parametrize(
    "data",
    [many_scans(MOST_SCANS), with_segments([segment(0xFE, b"")] * (MOST_SEGMENTS - 20)), many_frames(9_000)],
    ids=["scans", "segments", "frames"],
)
def test_a_file_with_as_many_parts_as_allowed_is_rendered(data: bytes):
    assert len(list(render(data))) == 5


def test_the_walk_ends_at_the_limit_whatever_follows():
    seen: list[int] = []

    walk = jpeg_segments(with_segments([segment(0xFE, b"")] * 100_000))

    with pytest.raises(PhotoRefused):
        seen.extend(marker for marker, _ in walk)

    assert len(seen) == MOST_SEGMENTS


def test_a_text_is_not_unpacked_beyond_its_limit():
    assert unpacked_size(packed(64_000_000), MOST_UNPACKED + 1) == MOST_UNPACKED + 1
    assert unpacked_size(packed(1_000), MOST_UNPACKED) == 1_000


def test_a_text_that_is_damaged_after_a_megabyte_is_refused_at_once():
    packer = zlib.compressobj()
    damaged = packer.compress(bytes(MOST_UNPACKED - 6)) + packer.flush(zlib.Z_FULL_FLUSH) + b"\x07\xff"
    chunks = [chunk(b"zTXt", b"a\0\0" + damaged)] * 5_000

    with pytest.raises(PhotoRefused, match="damaged") as raised:
        check_photo(with_chunks(chunks))

    frames = [entry.name for entry in raised.traceback]
    assert frames.count("unpacked_size") == 1


@pytest.mark.parametrize(
    "frame", [0xC3, 0xC9, 0xCA], ids=["lossless", "arithmetic", "arithmetic, progressive"]
)
def test_a_jpeg_that_browsers_cannot_show_is_refused(frame: int):
    data = photo()
    at = data.index(b"\xff\xc0")

    with pytest.raises(PhotoRefused, match="Save it again as an ordinary JPEG"):
        check_photo(data[: at + 1] + bytes([frame]) + data[at + 2 :])


def headless(png: bytes) -> bytes:
    return png[:8] + png[33:]


@pytest.mark.parametrize(
    "data",
    [
        photo()[:2] + photo()[:-2],
        photo().replace(b"\xff\xc0", b"\xff\xfe"),
        inserted(photo(), photo()[photo().index(b"\xff\xc0") : photo().index(b"\xff\xc4")]),
        b"\xff\xd8\xff\xd9",
        b"\xff\xd8\xff\xe1\xff\xff" + bytes(100),
        photo(kind="PNG")[:20],
        headless(photo(kind="PNG")),
        photo(kind="PNG").replace(b"IEND", b"IENC"),
        photo(kind="WEBP")[:-2],
        webp(),
        webp(riff(b"abcd", bytes(20))),
        webp(b"VP8 " + struct.pack("<I", 2**32 - 1)),
    ],
    ids=range(12),
)
def test_a_file_with_a_damaged_structure_is_refused(data: bytes):
    with pytest.raises(PhotoRefused, match=r"damaged or cut short\. Export it again"):
        check_photo(data)


@given(data=st.data())
def test_the_check_refuses_or_accepts_any_bytes_and_raises_nothing_else(data: st.DataObject):
    photos = [photo(32, 32, kind) for kind in FORMATS] + [many_frames(2), turned(6), bomb(100, 100)]
    whole = bytearray(data.draw(st.sampled_from(photos)))
    for _ in range(data.draw(st.integers(1, 5))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(whole[: data.draw(st.integers(1, len(whole)))])

    for upload in (bytes(whole), cut):
        assert reason_against(upload).count(". ") in {0, 1}


def reason_against(upload: bytes) -> str:
    """Return why an upload is refused, or "" if it is accepted."""
    try:
        check_photo(upload)
    except PhotoRefused as exc:
        return str(exc)
    return ""


@pytest.mark.parametrize("kind", FORMATS)
def test_a_profile_with_calculations_fails_without_a_conversion(kind: str, monkeypatch: pytest.MonkeyPatch):
    converted: list[object] = []
    monkeypatch.setattr(ImageCms, "profileToProfile", lambda image, *_: converted.append(image))
    hostile = photo(kind=kind, icc_profile=slow_profile(4_000))

    check_photo(hostile)
    with pytest.raises(PhotoRefused, match=r"contains calculations.* with the profile sRGB"):
        list(render(hostile))

    assert converted == []
    assert len(list(render(photo(kind=kind, icc_profile=PROFILE)))) == 5
    assert len(converted) == 1
