"""Renditions, and uploads that are refused."""

import warnings
from io import BytesIO

import pytest
from PIL import ExifTags, Image, ImageCms

from django_offload.exceptions import DeadlineExceeded
from django_offload.worker.deadline import limited
from lab.photo_headers import MOST_SCANS
from lab.photos import LARGEST_PIXELS, RENDITIONS, PhotoRefused, check_photo, render
from lab.uploads import LIMIT
from tests.unit.lab.hostile_images import many_scans
from tests.unit.lab.images import BLUE, RED, bomb, encoded, noise, photo, turned


def rendered(data: bytes) -> dict[str, Image.Image]:
    return {rendition.name: Image.open(BytesIO(jpeg)) for rendition, jpeg in render(data)}


def near(pixel: object, colour: tuple[int, int, int]) -> bool:
    assert isinstance(pixel, tuple)
    return all(abs(one - other) < 25 for one, other in zip(pixel, colour, strict=True))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_five_renditions_are_made_of_each_format(kind: str):
    renditions = rendered(photo(2000, 1500, kind))

    assert {name: image.size for name, image in renditions.items()} == {
        "thumbnail": (160, 120),
        "small": (480, 360),
        "medium": (960, 720),
        "large": (1920, 1440),
        "square": (640, 640),
    }
    assert {image.format for image in renditions.values()} == {"JPEG"}


def test_a_small_photo_is_not_enlarged():
    renditions = rendered(photo(100, 60))

    assert renditions["large"].size == (100, 60)
    assert renditions["square"].size == (60, 60)


def test_the_thumbnail_comes_first():
    assert [rendition.name for rendition, _ in render(photo())] == [
        rendition.name for rendition in RENDITIONS
    ]
    assert RENDITIONS[0].name == "thumbnail"


@pytest.mark.parametrize(
    ("orientation", "size", "red_at"),
    [
        (1, (400, 300), (10, 10)),
        (3, (400, 300), (390, 10)),
        (6, (300, 400), (10, 10)),
        (8, (300, 400), (10, 390)),
    ],
)
def test_a_photo_is_turned_as_its_exif_says(orientation: int, size: tuple[int, int], red_at: tuple[int, int]):
    small = rendered(turned(orientation))["small"]

    assert small.size == size
    assert near(small.getpixel(red_at), RED)


def test_no_metadata_is_kept():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

    sources = (turned(6), photo(icc_profile=profile), photo(comment=b"Somebody at home"))
    renditions = [data for source in sources for _, data in render(source)]

    assert all(not Image.open(BytesIO(data)).getexif() for data in renditions)
    assert not any(b"Somebody" in data or b"ICC_PROFILE" in data for data in renditions)


def test_transparent_areas_become_white():
    image = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    image.paste((*BLUE, 255), (32, 0, 64, 64))

    small = rendered(encoded(image, "PNG"))["small"]

    assert near(small.getpixel((5, 5)), (255, 255, 255))
    assert near(small.getpixel((60, 5)), BLUE)


def test_damaged_exif_does_not_damage_the_photo():
    data = turned(6)
    begin = data.index(b"Exif\0\0")

    renditions = rendered(data[: begin + 10] + b"\xff" * 8 + data[begin + 18 :])

    assert renditions["small"].size == (400, 300)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not an image that can be read"),
        (b"GIF89a" + bytes(100), "not an image that can be read"),
        (b"\xff\xd8\xff\xe0" + bytes(200), "not an image that can be read|damaged"),
        (photo()[:-200], "damaged or cut short"),
        (noise()[:20_000], "damaged or cut short"),
        (photo(kind="PNG")[:-40], "damaged or cut short"),
        (photo(kind="WEBP")[:-40], "damaged"),
        (photo(400, 8), "at least 16 on each side"),
        (bytes(LIMIT + 1), "larger than 10 MB"),
    ],
)
def test_what_is_no_whole_photo_is_refused(data: bytes, reason: str):
    with pytest.raises(PhotoRefused, match=reason):
        check_photo(data)


@pytest.mark.parametrize(
    ("width", "height"),
    [(LARGEST_PIXELS // 1000 + 1, 1000), (9_000, 9_000), (30_000, 30_000), (60_000, 60_000)],
)
def test_a_small_file_that_would_become_a_huge_image_is_refused(width: int, height: int):
    with pytest.raises(PhotoRefused, match="more than 40 million pixels"):
        check_photo(bomb(width, height))

    # Even if a project ignores Pillow's warnings.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(PhotoRefused, match="more than 40 million pixels"):
            check_photo(bomb(width, height))


def test_a_deadline_while_decoding_does_not_make_the_photo_a_damaged_one():
    # It takes half a second to decode, nearly all of it in one call.
    slow = many_scans(MOST_SCANS, side=3_000)

    with pytest.raises(DeadlineExceeded, match="reached its time limit"):
        render_within(0.05, slow)


@pytest.mark.parametrize("step", ["PIL.Image.Exif.load", "PIL.ImageCms.profileToProfile"])
def test_a_deadline_is_not_taken_for_damaged_metadata(step: str, monkeypatch: pytest.MonkeyPatch):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    data = photo(kind="PNG", icc_profile=profile, exif=exif)

    def interrupted(*args: object) -> None:
        raise DeadlineExceeded(60)

    monkeypatch.setattr(step, interrupted)

    with pytest.raises(DeadlineExceeded):
        list(render(data))


def render_within(seconds: float, data: bytes) -> None:
    with limited(seconds):
        list(render(data))


def test_rendering_checks_again():
    with pytest.raises(PhotoRefused, match="damaged or cut short"):
        list(render(photo()[:-200]))
