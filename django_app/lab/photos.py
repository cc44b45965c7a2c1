"""Photos: what is accepted, and the five renditions made of one."""

import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO

from PIL import ExifTags, Image, ImageCms, ImageOps, UnidentifiedImageError

from .uploads import LIMIT

FORMATS = ("JPEG", "PNG", "WEBP")
LARGEST_PIXELS = 40_000_000
SMALLEST_SIDE = 16
QUALITY = 84
ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)

# How to turn a photo upright, by the orientation in its EXIF.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# Pillow's own guard: a warning above this, an error above twice of it. Here both are errors.
Image.MAX_IMAGE_PIXELS = LARGEST_PIXELS
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)


class PhotoRefused(ValueError):
    """An upload that is no photo of ours; the text is for whoever uploaded it."""


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
    """Read an upload to its end. Raise PhotoRefused if it is not a whole JPEG, PNG or WebP of a fit size."""
    if not data:
        raise PhotoRefused("The file is empty. Choose a JPEG, PNG or WebP image.")
    if len(data) > LIMIT:
        raise PhotoRefused(f"The file is larger than {LIMIT // 1024**2} MB. Choose a smaller one.")
    image = _open(data)
    width, height = image.size
    if width * height > LARGEST_PIXELS:
        raise _too_many_pixels()
    if min(width, height) < SMALLEST_SIDE:
        raise PhotoRefused(
            f"The image is {width} × {height} pixels. Choose one of at least {SMALLEST_SIDE} on each side."
        )
    try:
        # A JPEG can be read to its end at an eighth of its size: damage shows, little is computed.
        image.draft("RGB", (width // 8, height // 8))
        image.load()
    except ERRORS as exc:
        raise PhotoRefused("The image is damaged or cut short. Export it again, or choose another.") from exc


def render(data: bytes) -> Iterator[tuple[Rendition, bytes]]:
    """
    Yield each rendition as JPEG, turned as its EXIF says and with no metadata kept.

    Raise PhotoRefused as check_photo() does.
    """
    check_photo(data)
    image = _open(data)
    # A large JPEG is read at a fraction of its size, still larger than any rendition: this saves memory.
    image.draft("RGB", (2 * LARGEST_SIDE, 2 * LARGEST_SIDE))
    photo = _upright(image)
    for rendition in RENDITIONS:
        yield rendition, _encode(_resized(photo, rendition))


def _open(data: bytes) -> Image.Image:
    try:
        with _lenient():
            return Image.open(BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as exc:
        raise _too_many_pixels() from exc
    except UnidentifiedImageError as exc:
        raise PhotoRefused(
            "The file is not an image that can be read here. Choose a JPEG, PNG or WebP."
        ) from exc
    except ERRORS as exc:
        raise PhotoRefused("The image is damaged. Export it again, or choose another.") from exc


@contextmanager
def _lenient() -> Iterator[None]:
    """Have nothing said of damaged metadata: the photo beside it may be whole."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


def _too_many_pixels() -> PhotoRefused:
    millions = LARGEST_PIXELS // 1_000_000
    return PhotoRefused(f"The image has more than {millions} million pixels. Choose a smaller one.")


def _upright(image: Image.Image) -> Image.Image:
    """Return the photo upright, in sRGB, on white where it was transparent, and without metadata."""
    turned = _in_srgb(_turned(image))
    if turned.has_transparency_data:
        layer = turned.convert("RGBA")
        turned = Image.new("RGBA", layer.size, "white")
        turned.alpha_composite(layer)
    plain = turned.convert("RGB")
    plain.info.clear()
    return plain


def _turned(image: Image.Image) -> Image.Image:
    """Return the image as its EXIF says it was held; unturned where the EXIF cannot be read."""
    image.load()
    try:
        with _lenient():
            turn = TURNS.get(image.getexif().get(ExifTags.Base.Orientation))
    except (*ERRORS, struct.error):
        return image
    return image if turn is None else image.transpose(turn)


def _in_srgb(image: Image.Image) -> Image.Image:
    """Return the image in sRGB: without its profile, a wide-gamut photo would look pale."""
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in {"RGB", "RGBA"}:
        return image
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"))
    except (ImageCms.PyCMSError, OSError):
        return image
    return converted or image


def _resized(photo: Image.Image, rendition: Rendition) -> Image.Image:
    side = min(rendition.side, *photo.size) if rendition.square else rendition.side
    if rendition.square:
        return ImageOps.fit(photo, (side, side), Image.Resampling.LANCZOS)
    smaller = photo.copy()
    smaller.thumbnail((side, side), Image.Resampling.LANCZOS)
    return smaller


def _encode(image: Image.Image) -> bytes:
    out = BytesIO()
    image.save(out, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    return out.getvalue()
