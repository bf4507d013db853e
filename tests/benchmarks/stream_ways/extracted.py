"""litellm's Router with our streaming core."""

import functools

from over_router import reader as reader_of

reader = functools.partial(reader_of, core="extracted")
