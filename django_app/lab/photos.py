"""Check uploaded photos, and make five renditions of each."""

import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO

from PIL import ExifTags, Image, ImageCms, ImageOps, UnidentifiedImageError

from .photo_headers import DAMAGED, UNKNOWN, PhotoRefused, read_size
from .uploads import LIMIT

FORMATS = ("JPEG", "PNG", "WEBP")
LARGEST_PIXELS = 40_000_000
SMALLEST_SIDE = 16
TOO_MANY_PIXELS = (
    f"The image has more than {LARGEST_PIXELS // 1_000_000} million pixels. Choose a smaller one."
)
QUALITY = 84
# The type of "multi process elements" in an ICC profile. They are a program: one of 40 KB keeps the colour
# library busy for 40 seconds, in a single call that no deadline can interrupt. Cameras don't write it.
CALCULATIONS = b"mpet"
ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)

# How to turn a photo upright, by the orientation in its EXIF data.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# Pillow warns above this limit, and raises an error above twice of it. Here both are errors.
Image.MAX_IMAGE_PIXELS = LARGEST_PIXELS
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)


@dataclass(frozen=True, slots=True)
class Rendition:
    """One size to make: the longest side in pixels, or the side of a square cut from the middle."""

    name: str
    side: int
    square: bool = False

    @property
    def file(self) -> str:
        return f"{self.name}.jpg"


RENDITIONS = (
    Rendition("thumbnail", 160),
    Rendition("small", 480),
    Rendition("medium", 960),
    Rendition("large", 1920),
    Rendition("square", 640, square=True),
)
LARGEST_SIDE = max(rendition.side for rendition in RENDITIONS)
PHOTO_FILES = tuple(rendition.file for rendition in RENDITIONS)


def check_photo(data: bytes) -> None:
    """
    Check the size and the headers of an upload, without decoding a pixel, so that a request may do it.

    Raise PhotoRefused if it isn't a complete JPEG, PNG or WebP of an allowed size. Only render() finds
    damaged pixels.
    """
    if not data:
        raise PhotoRefused("The file is empty. Choose a JPEG, PNG or WebP image.")
    if len(data) > LIMIT:
        raise PhotoRefused(f"The file is larger than {LIMIT // 1024**2} MB. Choose a smaller one.")
    width, height = read_size(data)
    if width * height > LARGEST_PIXELS:
        raise PhotoRefused(TOO_MANY_PIXELS)
    if min(width, height) < SMALLEST_SIDE:
        raise PhotoRefused(
            f"The image is {width} × {height} pixels. Choose one of at least {SMALLEST_SIDE} on each side."
        )


def render(data: bytes) -> Iterator[tuple[Rendition, bytes]]:
    """
    Yield each rendition as a JPEG, turned upright and without metadata.

    Raise PhotoRefused as check_photo() does, and if the pixels can't be decoded.
    """
    check_photo(data)
    image = open_image(data)
    # To save memory, decode a large JPEG at a fraction of its size that is still larger than any rendition.
    image.draft("RGB", (2 * LARGEST_SIDE, 2 * LARGEST_SIDE))
    with refused_if_damaged():
        image.load()
    photo = normalise(image)
    for rendition in RENDITIONS:
        if rendition.square:
            side = min(rendition.side, *photo.size)
            smaller = ImageOps.fit(photo, (side, side), Image.Resampling.LANCZOS)
        else:
            smaller = photo.copy()
            smaller.thumbnail((rendition.side, rendition.side), Image.Resampling.LANCZOS)
        out = BytesIO()
        smaller.save(out, "JPEG", quality=QUALITY, optimize=True, progressive=True)
        yield rendition, out.getvalue()


def open_image(data: bytes) -> Image.Image:
    with refused_if_damaged(), ignored_metadata_warnings():
        return Image.open(BytesIO(data), formats=FORMATS)


@contextmanager
def refused_if_damaged() -> Iterator[None]:
    """Raise PhotoRefused for an error that Pillow raises."""
    try:
        yield
    except TimeoutError:
        raise  # It is the task's deadline. The photo may be intact.
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as exc:
        raise PhotoRefused(TOO_MANY_PIXELS) from exc
    except UnidentifiedImageError as exc:
        raise PhotoRefused(UNKNOWN) from exc
    except ERRORS as exc:
        raise PhotoRefused(DAMAGED) from exc


@contextmanager
def ignored_metadata_warnings() -> Iterator[None]:
    """Ignore warnings about damaged metadata, because the photo itself may be intact."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


def normalise(image: Image.Image) -> Image.Image:
    """Return the photo upright, in sRGB, on white where it was transparent, and without metadata."""
    photo = to_srgb(turn_upright(image))
    if photo.has_transparency_data:
        layer = photo.convert("RGBA")
        photo = Image.new("RGBA", layer.size, "white")
        photo.alpha_composite(layer)
    plain = photo.convert("RGB")
    plain.info.clear()
    return plain


def turn_upright(image: Image.Image) -> Image.Image:
    """Turn the image as its EXIF data says. Return it unchanged if the EXIF data can't be read."""
    try:
        with ignored_metadata_warnings():
            turn = TURNS.get(image.getexif().get(ExifTags.Base.Orientation))
    except TimeoutError:
        raise  # It is the task's deadline, as in refused_if_damaged().
    except (*ERRORS, struct.error):
        return image
    return image if turn is None else image.transpose(turn)


def to_srgb(image: Image.Image) -> Image.Image:
    """
    Convert the image to sRGB, because a wide-gamut photo without its profile would look pale.

    Raise PhotoRefused if the profile contains calculations.
    """
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in {"RGB", "RGBA"}:
        return image
    if CALCULATIONS in profile:
        raise PhotoRefused(
            "The photo's colour profile contains calculations, which may take long. "
            "Save the photo again with the profile sRGB."
        )
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"))
    except TimeoutError:
        raise
    except (ImageCms.PyCMSError, OSError):
        return image
    return converted or image
