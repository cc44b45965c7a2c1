"""Draw parts of the Mandelbrot set in tiles. Each tile is a task of its own, enqueued in bulk."""

from dataclasses import dataclass
from io import BytesIO
from math import log2

from PIL import Image

WIDTH, HEIGHT = 720, 480
COLUMNS, ROWS = 8, 5
TILES = COLUMNS * ROWS
TILE_WIDTH, TILE_HEIGHT = WIDTH // COLUMNS, HEIGHT // ROWS
ESCAPED = 16.0

# From the border of the set outwards: each colour with its position, from 0 to 1.
COLOURS = (
    (0.0, (7, 18, 16)),
    (0.16, (15, 76, 61)),
    (0.42, (47, 163, 122)),
    (0.64, (214, 241, 219)),
    (0.86, (244, 178, 78)),
    (1.0, (146, 51, 29)),
)
INSIDE = (8, 14, 12)


@dataclass(frozen=True, slots=True)
class Place:
    """A part of the complex plane: its centre, its width, and how many steps a point may take to escape."""

    label: str
    real: float
    imaginary: float
    width: float
    depth: int


PLACES = {
    "whole": Place("The whole set", -0.65, 0.0, 3.3, 110),
    "seahorses": Place("Seahorse valley", -0.7453, 0.1127, 0.0085, 220),
    "elephants": Place("Elephant valley", 0.2855, 0.0115, 0.012, 220),
    "spiral": Place("A spiral", -0.761574, -0.0847596, 0.0023, 320),
}


def tile_file(number: int) -> str:
    """Return the file name of a tile. Tiles are numbered by rows from the upper left."""
    return f"tile-{number:02}.png"


TILE_FILES = tuple(tile_file(number) for number in range(TILES))


def draw_tile(place: Place, number: int) -> bytes:
    """Return one tile as PNG."""
    row, column = divmod(number, COLUMNS)
    step = place.width / WIDTH
    left = place.real - place.width / 2 + column * TILE_WIDTH * step
    top = place.imaginary + HEIGHT / 2 * step - row * TILE_HEIGHT * step
    colours = [colour(index / 255) for index in range(256)]
    image = Image.new("RGB", (TILE_WIDTH, TILE_HEIGHT))
    image.putdata(
        [
            shade(complex(left + x * step, top - y * step), place.depth, colours)
            for y in range(TILE_HEIGHT)
            for x in range(TILE_WIDTH)
        ]
    )
    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def shade(point: complex, depth: int, colours: list[tuple[int, int, int]]) -> tuple[int, int, int]:
    """Return the colour of a point by how soon it escapes, smoothed between steps."""
    real, imaginary = point.real, point.imag
    x = y = xx = yy = 0.0
    for step in range(depth):
        y = 2 * x * y + imaginary
        x = xx - yy + real
        xx, yy = x * x, y * y
        if xx + yy > ESCAPED:
            smooth = step + 1 - log2(log2(xx + yy) / 2)
            return colours[int(255 * min(1.0, (max(0.0, smooth) / depth) ** 0.4))]
    return INSIDE


def colour(position: float) -> tuple[int, int, int]:
    """Return the colour at a position from 0 to 1, mixed from the two nearest ones."""
    above = next(index for index, (stop, _) in enumerate(COLOURS) if stop >= position)
    if above == 0:
        return COLOURS[0][1]
    (start, lower), (end, upper) = COLOURS[above - 1], COLOURS[above]
    share = (position - start) / (end - start)
    red, green, blue = (round(low + (high - low) * share) for low, high in zip(lower, upper, strict=True))
    return red, green, blue
