"""The judge of parity: its bounds are those of the exact signed-rank test, and its rulings are honest."""

from __future__ import annotations

import math
import random
import statistics

import pytest
from scipy.stats import wilcoxon

from liteagent_nb.core.parity import ALPHA, Pair, looks, rule
from liteagent_nb.core.ranks import hodges_lehmann


def pairs(number, *, slower=0.0, spread=0.05, control=0.0, seed=1):
    noise = random.Random(seed)

    def figure(change):
        return 100.0 * (1 + change) * math.exp(noise.gauss(0, spread / math.sqrt(2)))

    return [Pair(figure(0.0), figure(slower), figure(control)) for _ in range(number)]


@pytest.mark.parametrize("number", [7, 10, 23, 40])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_bounds_are_where_the_exact_test_begins_to_refuse(number, seed):
    noise = random.Random(seed)
    differences = [noise.gauss(0.3, 1) for _ in range(number)]

    found = hodges_lehmann(differences, alpha=ALPHA)

    def p_greater(place):
        return wilcoxon([value - place for value in differences], alternative="greater", method="exact").pvalue

    def p_less(place):
        return wilcoxon([value - place for value in differences], alternative="less", method="exact").pvalue

    assert p_greater(found.lower - 1e-9) <= ALPHA < p_greater(found.lower + 1e-9)
    assert p_less(found.upper + 1e-9) <= ALPHA < p_less(found.upper - 1e-9)
    means = [(a + b) / 2 for place, a in enumerate(differences) for b in differences[place:]]
    assert found.estimate == pytest.approx(statistics.median(means))


def test_too_few_differences_bound_nothing():
    found = hodges_lehmann([1.0, 2.0, 3.0], alpha=ALPHA)

    assert (found.estimate, found.lower, found.upper) == (2.0, -math.inf, math.inf)
    with pytest.raises(ValueError, match="no differences"):
        hodges_lehmann([], alpha=ALPHA)


def test_it_looks_at_growing_numbers_and_at_the_end():
    assert list(looks(160)) == [10, 20, 40, 80, 160]
    assert list(looks(30)) == [10, 20, 30]
    assert list(looks(3)) == [3]


def test_equal_arms_are_accepted_and_slower_ones_rejected():
    assert rule(pairs(160), margin_pct=3).status == "accepted"
    slower = rule(pairs(160, slower=0.06), margin_pct=3)
    assert slower.status == "rejected"
    assert slower.change_pct.lower > 3
    assert "beyond the margin of 3 %" in slower.reason


def test_what_is_clear_is_said_early_and_more_pairs_do_not_change_it():
    faster = rule(pairs(160, slower=-0.1), margin_pct=3)

    assert (faster.status, faster.pairs) == ("accepted", 10)
    assert rule(pairs(160, slower=-0.1)[:40], margin_pct=3) == faster


def test_what_is_not_clear_is_undecided_and_says_how_many_more_pairs_it_would_take():
    few = rule(pairs(40, spread=0.09, seed=2), margin_pct=3)

    assert few.status in {"undecided", "invalid"}
    assert 10 < few.more_pairs < 400
    enough = rule(pairs(40 + 2 * few.more_pairs, spread=0.09, seed=2), margin_pct=3)
    assert enough.status == "accepted"


def test_an_instrument_that_is_too_noisy_answers_nothing():
    noisy = rule(pairs(160, spread=0.7), margin_pct=3)

    assert noisy.status == "invalid"
    assert "too noisy for a margin of 3 %" in noisy.reason
    assert noisy.more_pairs > 1000


def test_a_control_that_is_off_is_never_accepted_and_no_number_of_pairs_mends_it():
    off = rule(pairs(160, control=0.08), margin_pct=3)

    assert (off.status, off.more_pairs) == ("invalid", 0)


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_figures_that_are_none_are_refused(bad):
    with pytest.raises(ValueError, match="above zero"):
        Pair(1.0, bad, 1.0)
    with pytest.raises(ValueError, match="takes pairs"):
        rule([], margin_pct=3)
    with pytest.raises(ValueError, match="margin"):
        rule(pairs(10), margin_pct=0)


def test_slower_arms_are_hardly_ever_accepted():
    said = [rule(pairs(160, slower=0.05, seed=seed), margin_pct=3).status for seed in range(100)]

    assert said.count("accepted") == 0
    assert said.count("rejected") > 90
