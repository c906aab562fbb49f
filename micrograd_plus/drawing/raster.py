"""A picture on pages and in pixels, drawn by vl_convert; and as what is stored in a notebook for
print: a PNG in few colours, as fine as a page needs it and no finer.

Knows SVG and its size, nothing of graphs.
"""

from __future__ import annotations

import io
from typing import Any

INCH = 96  # CSS pixels
ACROSS = 1200.0  # pixels over the width of a page: 200 to the inch between its margins
FINEST = 2.0  # pixels for one of CSS
PIXELS = 2e6  # of the largest PNG
LONGEST = 100_000  # characters of SVG: on a page, what has more is too small to be read
COLORS = 64  # those that cover most; the rest are seams between two of them
SEEN = 4096  # above as many colours it is left as it is


def png(svg: str) -> bytes:
    """PNG of twice the size in pixels. Raises ImportError where there is no library for it."""
    return bytes(_vl_convert().svg_to_png(svg, scale=2))


def pdf(svg: str) -> bytes:
    """PDF of one page. Raises ImportError where there is no library for it."""
    return bytes(_vl_convert().svg_to_pdf(svg))


def printed(svg: str, size: tuple[float, float], paper: str) -> bytes | None:
    """PNG for a page, on paper of that colour; `size` is that of the SVG.

    None where there is no library for it, and where no page could hold it so that it can be read.
    """
    if len(svg) > LONGEST:
        return None
    try:
        from PIL import Image

        vl_convert = _vl_convert()
    except ImportError:
        return None
    scale = scale_of(*size)
    # the whole sheet is of paper, corners too: vl_convert darkens what is half transparent
    whole = svg.replace(">", f'><rect width="100%" height="100%" fill="{paper}"/>', 1)
    drawn = Image.open(io.BytesIO(vl_convert.svg_to_png(whole, scale=scale))).convert("RGB")
    written = io.BytesIO()
    # LaTeX takes the natural size from the pixels to the inch
    _in_few_colors(drawn).save(written, "PNG", dpi=(INCH * scale, INCH * scale))
    return written.getvalue()


def _in_few_colors(image: Any) -> Any:
    """The image with a palette: the colours that cover most stay what they are, any other becomes
    the nearest of them.
    """
    import numpy as np
    from PIL import Image

    found = image.getcolors(SEEN)
    if found is None:
        return image
    colors = np.array([color for _, color in sorted(found, reverse=True)], dtype=np.int32)
    kept, packed = colors[:COLORS], np.array([1 << 16, 1 << 8, 1], dtype=np.int32)
    nearest = ((colors[:, None] - kept) ** 2).sum(axis=2).argmin(axis=1)
    places = np.empty(1 << 24, dtype=np.uint8)  # in the palette, of each found color
    places[colors @ packed] = nearest
    few = Image.fromarray(places[np.asarray(image, dtype=np.int32) @ packed])
    few.putpalette(kept.astype(np.uint8).tobytes())
    return few


def scale_of(width: float, height: float) -> float:
    """Pixels for one of CSS: as many as make a page fine enough, and one at least where that is
    not too many in all.
    """
    enough = min(FINEST, max(1.0, ACROSS / width))
    most: float = (PIXELS / (width * height)) ** 0.5
    return min(enough, most)


def _vl_convert() -> Any:
    try:
        import vl_convert
    except ImportError:
        raise ImportError(
            'PNG and PDF need one more library: `pip install "micrograd-plus[draw]"`'
        ) from None
    return vl_convert
