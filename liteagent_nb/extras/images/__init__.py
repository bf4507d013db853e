"""Pictures made small enough to send: `compress_image`, `fetch_remote_image`, and what is told beside them."""

from liteagent_nb.extras.images.compressing import ALGORITHM, Compressed, compress_image, compressed
from liteagent_nb.extras.images.remote import fetch_remote_image, fetched
from liteagent_nb.extras.images.sources import looks_like_picture

__all__ = [
    "ALGORITHM",
    "Compressed",
    "compress_image",
    "compressed",
    "fetch_remote_image",
    "fetched",
    "looks_like_picture",
]
