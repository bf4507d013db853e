"""Any picture becomes a data URL that fits: as good as the bytes allow, upright, of a true kind, without its secrets."""

from __future__ import annotations

import base64
import io
import random
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageDraw, PngImagePlugin

from liteagent_nb.core.errors import ConfigError
from liteagent_nb.extras.images import compress_image, compressed, looks_like_picture

KB = 1024


def grain_of(width, height, spread):
    """Return grey noise, the same each time: Pillow's own is another one in each run."""
    values = np.random.default_rng(0).normal(128, spread, (height, width))
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))


def photo(width=1200, height=900, *, mode="RGB"):
    """Return a photo-like image: shapes that hide one another, with texture."""
    rng = random.Random(width)
    image = Image.new("RGB", (width, height), (90, 120, 150))
    draw = ImageDraw.Draw(image)
    for _ in range(400):
        x, y, radius = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(0.01, 0.12) * width
        colour = tuple(rng.randrange(256) for _ in range(3))
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    grain = grain_of(width // 2, height // 2, 40).resize((width, height))
    return Image.blend(image, grain.convert("RGB"), 0.2).convert(mode)


def chart(width=900, height=600, *, mode="RGB"):
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    points = [(x, height / 2 + height / 3 * (x % 300 - 150) / 150) for x in range(0, width, 3)]
    draw.line(points, fill="navy", width=3)
    draw.text((20, 20), "damped oscillations", fill="black")
    return image.convert(mode)


def file_of(image, kind="PNG", **how):
    image.save(buffer := io.BytesIO(), kind, **how)
    return buffer.getvalue()


def seen(url):
    """Return the media type that a data URL claims, its bytes, and the image that they are."""
    head, _, body = url.partition(";base64,")
    data = base64.b64decode(body)
    image = Image.open(io.BytesIO(data))
    image.load()
    return head.removeprefix("data:"), data, image


@pytest.fixture(scope="module")
def camera():
    """A photo's file, several times too large."""
    return file_of(photo(), "JPEG", quality=95)


@pytest.mark.parametrize("max_kb", [256, 64, 20, 8, 2])
def test_a_photo_fits_and_uses_most_of_what_it_may(camera, max_kb):
    made = compressed(camera, max_kb=max_kb)

    assert 0.9 * max_kb * KB <= len(made.data) <= max_kb * KB
    assert made.mime == "image/jpeg"
    assert Image.open(io.BytesIO(made.data)).size == (made.width, made.height)
    assert abs(made.width / made.height - 4 / 3) < 0.05


@pytest.mark.parametrize("megapixels", [0.3, 1, 4])
def test_four_encodes_are_enough(megapixels):
    side = int((megapixels * 1e6) ** 0.5)

    made = compressed(file_of(photo(side, side), "JPEG", quality=95), max_kb=48)

    assert 1 <= made.encodes <= 4
    assert len(made.data) >= 0.9 * 48 * KB


@pytest.mark.parametrize("kind", ["jpeg", "webp", "png"])
def test_a_wished_format_is_kept_and_its_media_type_is_true(camera, kind):
    mime, data, image = seen(compress_image(camera, max_kb=32, format=kind))

    assert mime == f"image/{kind}"
    assert image.format == kind.upper()
    assert len(data) <= 32 * KB


def test_what_is_small_upright_and_known_stays_as_it_is_byte_for_byte():
    for kind in ("JPEG", "PNG", "WEBP", "GIF"):
        data = file_of(chart(), kind)

        mime, kept, _ = seen(compress_image(data))

        assert kept == data
        assert mime == f"image/{kind.lower()}"


def test_a_file_is_taken_by_its_path_as_text_and_as_path_and_its_suffix_is_not_believed(tmp_path):
    path = tmp_path / "really.jpg"
    path.write_bytes(file_of(chart(), "PNG"))

    assert compress_image(str(path)) == compress_image(path)
    assert compress_image(path).startswith("data:image/png;base64,")


def test_a_plot_keeps_its_edges_as_png():
    image = chart(1600, 1200)

    mime, data, shown = seen(compress_image(file_of(image, "BMP"), max_kb=24))

    assert mime == "image/png"
    assert shown.size == (1600, 1200)
    assert len(data) <= 24 * KB
    assert np.array_equal(np.asarray(shown.convert("RGB")), np.asarray(image))


def test_a_screenshot_of_few_colours_is_lossless_webp_where_png_is_too_large():
    rng = random.Random(1)
    tiles = [Image.new("RGB", (8, 8), rng.choice(["white", "black", "red"])) for _ in range(16)]
    image = Image.new("RGB", (800, 600), "white")
    for x in range(0, 800, 8):
        for y in range(0, 600, 8):
            image.paste(rng.choice(tiles), (x, y))
    png = len(file_of(image.quantize(8), "PNG", optimize=True))
    webp = len(file_of(image, "WEBP", lossless=True, method=2, quality=50))
    assert webp < png

    mime, _, shown = seen(compress_image(file_of(image, "BMP"), max_kb=(webp + png) / 2 / KB))

    assert mime == "image/webp"
    assert np.array_equal(np.asarray(shown.convert("RGB")), np.asarray(image))


def test_a_plot_that_is_too_large_becomes_smaller_and_stays_a_png():
    figure = chart(2400, 1800)
    figure.paste(grain_of(200, 200, 90).convert("RGB"))  # with much more of it, a JPEG would be the smaller one

    mime, data, shown = seen(compress_image(file_of(figure), max_kb=36))

    assert mime == "image/png"
    assert len(data) <= 36 * KB
    assert shown.width < 2400


@pytest.mark.parametrize("turn", range(1, 9))
def test_exif_turns_it_upright(turn):
    image = Image.new("RGB", (400, 200), "white")
    image.paste("red", (0, 0, 100, 100))  # the corner that the camera saw top left
    exif = Image.Exif()
    exif[0x0112] = turn
    corners = {1: (0, 0), 2: (1, 0), 3: (1, 1), 4: (0, 1), 5: (0, 0), 6: (1, 0), 7: (1, 1), 8: (0, 1)}

    _, _, shown = seen(compress_image(file_of(image, "JPEG", exif=exif)))

    right, below = corners[turn]
    assert shown.size == ((400, 200) if turn < 5 else (200, 400))
    assert shown.convert("RGB").getpixel((right * (shown.width - 9) + 4, below * (shown.height - 9) + 4))[1] < 90
    assert shown.getexif().get(0x0112, 1) == 1


def test_where_it_was_taken_is_not_told():
    exif = Image.Exif()
    exif.get_ifd(0x8825)[1] = "N"
    exif[0x8825] = {1: "N", 2: (48.0, 8.0, 0.0)}
    data = file_of(photo(200, 150), "JPEG", exif=exif)
    assert 0x8825 in Image.open(io.BytesIO(data)).getexif()

    _, kept, shown = seen(compress_image(data))

    assert kept != data
    assert not shown.getexif()
    assert b"Exif" not in kept


def test_words_in_a_png_that_tell_a_place_are_not_told():
    words = PngImagePlugin.PngInfo()
    words.add_itxt("XML:com.adobe.xmp", "<x exif:GPSLatitude='48,8N'/>")

    _, kept, _ = seen(compress_image(file_of(chart(), pnginfo=words)))

    assert b"GPS" not in kept


def test_transparency_that_shows_is_kept_and_that_which_hides_nothing_is_dropped():
    opaque, cut_out = photo(800, 600, mode="RGBA"), photo(800, 600, mode="RGBA")
    cut_out.putalpha(Image.radial_gradient("L").resize((800, 600)))

    _, _, flat = seen(compress_image(file_of(opaque, compress_level=1), max_kb=32))
    mime, data, holed = seen(compress_image(file_of(cut_out, compress_level=1), max_kb=32))

    assert (flat.format, flat.mode) == ("JPEG", "RGB")
    assert (mime, holed.mode) == ("image/webp", "RGBA")
    assert holed.getchannel("A").getextrema() == (0, 255)
    assert len(data) <= 32 * KB


def test_transparency_becomes_white_where_jpeg_is_wished():
    image = Image.new("RGBA", (60, 40), (255, 0, 0, 0))

    _, _, shown = seen(compress_image(image, format="jpeg"))

    assert min(shown.getpixel((30, 20))) > 250


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", "PA"])
def test_every_mode_becomes_a_picture_that_everybody_reads(mode):
    image = photo(300, 200).convert("P").convert("PA") if mode == "PA" else photo(300, 200).convert("RGB")
    image = image if mode == "PA" else _in_mode(image, mode)

    mime, data, shown = seen(compress_image(image, max_kb=8))

    assert shown.mode in {"L", "LA", "P", "RGB", "RGBA"}
    assert len(data) <= 8 * KB
    assert mime == f"image/{shown.format.lower()}"


def _in_mode(image, mode):
    if mode != "LAB":
        return image.convert(mode)
    return ImageCms.profileToProfile(
        image, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )


def test_a_cmyk_file_is_rgb_and_not_a_negative():
    image = Image.new("RGB", (80, 60), (250, 240, 20)).convert("CMYK")

    mime, _, shown = seen(compress_image(file_of(image, "JPEG")))

    red, green, blue = shown.convert("RGB").getpixel((40, 30))
    assert mime == "image/jpeg"
    assert shown.mode == "RGB"
    assert red > 200
    assert green > 200
    assert blue < 90


def test_sixteen_bit_grey_is_scaled_and_not_clipped():
    ramp = np.linspace(0, 65535, 256).astype("uint16")[None, :].repeat(64, axis=0)

    for image in (Image.fromarray(ramp), file_of(Image.fromarray(ramp), "PNG"), file_of(Image.fromarray(ramp), "TIFF")):
        _, _, shown = seen(compress_image(image))
        grey = np.asarray(shown.convert("L"))[32].astype(int)

        assert shown.mode in {"L", "P", "RGB"}
        assert abs(grey[128] - 128) <= 2
        assert grey[0] <= 2
        assert grey[-1] >= 253


def test_floats_of_a_tiff_are_spread_from_black_to_white():
    image = Image.fromarray(np.linspace(-3, 7, 200, dtype="float32")[None, :].repeat(50, axis=0))

    _, _, shown = seen(compress_image(image))

    low, high = shown.convert("L").getextrema()
    assert low <= 3
    assert high >= 252


def test_colours_of_another_profile_become_those_of_a_screen():
    image = Image.new("RGB", (64, 64), (0, 255, 0))
    wide = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ"))
    data = file_of(image, "PNG", icc_profile=wide.tobytes())

    _, kept, shown = seen(compress_image(data))

    assert kept != data
    assert "icc_profile" not in shown.info


def test_a_broken_profile_is_left_out():
    data = file_of(photo(100, 80), "JPEG", icc_profile=b"nonsense")

    _, _, shown = seen(compress_image(data))

    assert "icc_profile" not in shown.info


def test_of_an_animation_the_first_frame_is_shown_and_it_is_said():
    frames = [Image.new("RGB", (60, 40), colour) for colour in ("red", "green", "blue")]
    for kind in ("GIF", "WEBP", "PNG"):
        data = file_of(frames[0], kind, save_all=True, append_images=frames[1:])

        with pytest.warns(UserWarning, match="the first of 3 frames"):
            _, _, shown = seen(compress_image(data))

        assert not getattr(shown, "is_animated", False)
        assert shown.convert("RGB").getpixel((30, 20))[0] > 200
        assert "first of 3 frames" in compressed(data).about


def test_a_bomb_is_refused_before_it_is_decoded():
    row = zlib.compressobj(9)
    rows = b"".join([row.compress(b"\0" * 12001) for _ in range(12000)]) + row.flush()
    head = struct.pack(">IIBBBBB", 12000, 12000, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", rows), (b"IEND", b"")]
    bomb = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
    assert len(bomb) < 200_000

    with pytest.raises(ConfigError, match=r"too large to decode: 12,000 x 12,000 pixels, at most 100 million"):
        compress_image(bomb)
    huge = bomb[:16] + struct.pack(">II", 2**30, 2**30) + bomb[24:]
    with pytest.raises(ConfigError):
        compress_image(huge)


def test_a_limit_of_ones_own_holds_for_pixels_in_memory_too():
    with pytest.raises(ConfigError, match="too large"):
        compress_image(Image.new("L", (100, 100)), max_pixels=9_999)


def test_a_thread_of_pixels_is_shortened():
    for size in ((1, 20_000), (20_000, 1)):
        _, _, shown = seen(compress_image(Image.new("RGB", size, "red")))

        assert sorted(shown.size) == [1, 8000]


def test_a_single_pixel_is_a_picture():
    assert seen(compress_image(Image.new("RGB", (1, 1), "red")))[2].size == (1, 1)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "TIFF"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_what_was_cut_off_is_an_error(kind, share):
    data = file_of(photo(300, 200), kind)

    with pytest.raises(ConfigError, match=r"damaged|no picture") as caught:
        compress_image(data[: int(len(data) * share)])

    assert caught.value.hint


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no bytes"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"<?xml version='1.0'?>\n<svg/>", "SVG"),
        (b"\xef\xbb\xbf<!doctype html><html>404</html>", "HTML"),
        (b"<?xml version='1.0'?><feed/>", "XML"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"%PDF-1.7", "PDF"),
        (b"hello, I am a text", "unknown"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "unknown"),
    ],
)
def test_what_is_no_picture_is_named(data, said):
    with pytest.raises(ConfigError, match=said) as caught:
        compress_image(data)

    assert caught.value.hint


@pytest.mark.parametrize(
    ("thing", "said"),
    [
        ("/nowhere/at/all.png", "cannot be read"),
        ("https://example.org/a.png", "address"),
        ("data:image/png;base64,???", "no data URL"),
        (Path(__file__).parent, "cannot be read"),
        (object(), "object is no picture"),
        (5, "int is no picture"),
        (np.zeros((2, 2, 2)), "no picture"),
        (np.zeros(3), "no picture"),
        (np.zeros((0, 4)), "no pixels"),
        (np.array([[-1.0, 2.0]]), "from -1.0 to 2.0"),
    ],
)
def test_what_shows_no_picture_is_refused(thing, said):
    with pytest.raises(ConfigError, match=said) as caught:
        compress_image(thing)

    assert caught.value.hint


@pytest.mark.parametrize("wish", [{"max_kb": 0}, {"max_kb": -1}, {"format": "bmp"}, {"max_kb": float("nan")}])
def test_a_wish_that_makes_no_sense_is_refused(wish):
    with pytest.raises(ConfigError):
        compress_image(b"", **wish)


def test_a_budget_that_nothing_fits_in_is_an_error():
    with pytest.raises(ConfigError, match="cannot"):
        compress_image(photo(), max_kb=0.2)


@pytest.mark.parametrize(
    "array",
    [
        np.full((30, 40), 0.5),
        np.full((30, 40, 1), 128),
        np.full((30, 40, 3), 128, dtype="uint8"),
        np.full((30, 40, 4), 0.5) + np.array([0, 0, 0, 0.5]),
        np.full((30, 40), 128 * 257, dtype="uint16"),
        np.full((30, 40, 3), 128.0),
    ],
)
def test_an_array_is_a_picture(array):
    _, _, shown = seen(compress_image(array))

    assert shown.size == (40, 30)
    assert abs(shown.convert("L").getpixel((20, 15)) - 128) <= 1


def test_an_array_of_yes_and_no_is_black_and_white():
    _, _, shown = seen(compress_image(np.eye(8, dtype=bool)))

    assert shown.convert("L").getextrema() == (0, 255)


def test_a_figure_and_its_axes_are_pictures():
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4, 3))
    axes = figure.subplots()
    axes.plot([1, 3, 2])

    for thing in (figure, axes):
        assert seen(compress_image(thing))[0] == "image/png"
        assert looks_like_picture(thing)


def test_whatever_shows_itself_as_png_is_a_picture():
    class Drawing:
        def _repr_png_(self):
            return file_of(chart())

    assert seen(compress_image(Drawing()))[0] == "image/png"
    assert looks_like_picture(Drawing())


def test_what_looks_like_a_picture_is_known_without_importing_anything():
    assert [looks_like_picture(thing) for thing in (chart(), np.zeros((2, 2)), Path("a.PNG"))] == [True] * 3
    assert not any(looks_like_picture(thing) for thing in ("a.png", Path("a.txt"), 5, None, Image.Image))


def test_a_data_url_is_taken_as_it_is():
    url = compress_image(chart())

    assert compress_image(url) == url


def test_the_cache_is_found_by_content_and_by_every_parameter(camera, tmp_path):
    first = compress_image(camera, max_kb=32, cache_dir=tmp_path)
    (kept,) = tmp_path.iterdir()
    head, _, _ = kept.read_bytes().partition(b"\n")
    kept.write_bytes(head.replace(b'"width": ', b'"width":  ') + b"\n" + b"x" * (len(seen(first)[1])))

    again = compress_image(camera, max_kb=32, cache_dir=tmp_path)
    other = compress_image(camera, max_kb=16, cache_dir=tmp_path)

    assert base64.b64decode(again.partition(",")[2]) == b"x" * len(seen(first)[1])  # it was read, not made
    assert other != first
    assert len(list(tmp_path.iterdir())) == 2


def test_the_cache_keeps_what_was_said(tmp_path):
    frames = [Image.new("RGB", (60, 40), colour) for colour in ("red", "green")]
    data = file_of(frames[0], "GIF", save_all=True, append_images=frames[1:])

    assert compressed(data, cache_dir=tmp_path) == compressed(data, cache_dir=tmp_path)
    with pytest.warns(UserWarning, match="first of 2"):
        compress_image(data, cache_dir=tmp_path)


@pytest.mark.parametrize("broken", [b"", b"{", b"[1]\nxx", b'{"bytes": 5}\nxx', b"null\n"])
def test_a_broken_entry_of_the_cache_is_made_anew(camera, tmp_path, broken):
    first = compress_image(camera, max_kb=32, cache_dir=tmp_path)
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(broken)

    assert compress_image(camera, max_kb=32, cache_dir=tmp_path) == first
    assert compress_image(camera, max_kb=32, cache_dir=tmp_path) == first


WRITER = """
import sys
from liteagent_nb.extras.images.keeping import Shelf
shelf = Shelf(sys.argv[1])
for n in range(150):
    byte = bytes([65 + (n + int(sys.argv[2])) % 26])
    shelf.keep("same", {"letter": byte.decode()}, byte * 200_000)
    words, data = shelf.find("same") or sys.exit("nothing whole there")
    if data != words["letter"].encode() * 200_000:
        sys.exit("torn")
"""


def test_writers_at_once_tear_nothing(tmp_path):
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), str(n)]) for n in range(3)]

    assert [writer.wait(timeout=60) for writer in writers] == [0, 0, 0]
    assert [path.name for path in tmp_path.iterdir()] == ["same.picture"]


def test_compressing_needs_no_numpy():
    script = (
        "import sys\nfrom PIL import Image\nfrom liteagent_nb import compress_image\n"
        "assert compress_image(Image.effect_noise((300, 200), 50), max_kb=8).startswith('data:image/jpeg')\n"
        "assert 'numpy' not in sys.modules"
    )

    subprocess.run([sys.executable, "-c", script], check=True)
