"""Names of the notebook in a task."""

from __future__ import annotations

import pytest

from liteagent_nb.core.errors import ConfigError
from liteagent_nb.magics.references import with_references


class Car:
    wheels = 4


def test_a_short_value_stands_beside_its_name():
    assert with_references("times $`n`?", {"n": 17}) == "times `n` (int: 17)?"


def test_a_long_value_is_told_once_at_the_end():
    text = with_references("compare $`rows` with $`rows`", {"rows": list(range(1000))}, max_chars=100)

    assert text.startswith("compare `rows` with `rows`\n\n`rows` is:\nlist, 1,000 items:")
    assert text.count("1,000 items") == 1
    assert len(text) < 200


def test_attributes_are_reached():
    assert with_references("$`car.wheels`", {"car": Car()}) == "`car.wheels` (int: 4)"


@pytest.mark.parametrize("text", ["$x {x}", "cost $5 `x`", "$(x)", "`$x`", "$` x`", "$`1x`", "$``"])
def test_anything_else_with_a_dollar_stays_as_it_is(text):
    assert with_references(text, {"x": 1}) == text


def test_a_backslash_keeps_a_reference_as_text():
    assert with_references(r"write \$`date` in bash", {}) == "write $`date` in bash"


def test_an_undefined_name_offers_near_ones():
    with pytest.raises(ConfigError, match="no sale in") as caught:
        with_references("$`sale`", {"sales": 1, "_sale": 2})
    assert caught.value.hint == "did you mean sales?"


def test_an_undefined_attribute_offers_near_ones():
    with pytest.raises(ConfigError, match="no wheel") as caught:
        with_references("$`car.wheel`", {"car": Car()})
    assert caught.value.hint == "did you mean wheels?"


def test_text_inside_a_value_is_not_read_again():
    assert "$`b`" in with_references("$`a`", {"a": "$`b`"})
