"""litellm's Router as it is."""

import functools

from over_router import reader as reader_of

reader = functools.partial(reader_of, core="legacy")
