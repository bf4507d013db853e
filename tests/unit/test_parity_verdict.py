"""Three questions and their answers, from trials; the seed's rule beside them."""

from __future__ import annotations

import pytest
from parity_trials import measured, trials, with_candidates
from scipy.stats import binomtest, wilcoxon

from liteagent_nb.core.judging import Terms, judge
from liteagent_nb.core.ranks import hodges_lehmann
from liteagent_nb.core.rates import rate_of
from liteagent_nb.core.seed_rule import seed_rule

EXACT = Terms("legacy", "extracted", is_exact=True)
MODELS = Terms("small", "large")
LIVE = Terms("small", "large", is_live=True)


def other(ms):
    return measured("London", ms=ms)


def failing(ms):
    return measured(error="ModelError: 503")


@pytest.mark.parametrize(("count", "number"), [(0, 45), (3, 20), (20, 20), (500, 5000)])
def test_the_bounds_of_a_rate_are_those_of_the_exact_test(count, number):
    found = rate_of(count, number, alpha=0.009)

    exact = binomtest(count, number).proportion_ci(1 - 0.018)
    assert (found.lower, found.upper) == pytest.approx((exact.low, exact.high))


def test_of_many_differences_the_bounds_are_where_the_test_begins_to_refuse():
    differences = [one.baseline.total_ms - 100 for one in trials(400, spread=0.2)]

    found = hodges_lehmann(differences, alpha=0.018)

    def p(alternative, place):
        return wilcoxon([one - place for one in differences], alternative=alternative, method="asymptotic").pvalue

    assert p("greater", found.lower - 0.01) < 0.018 < p("greater", found.lower + 0.01)
    assert p("less", found.upper + 0.01) < 0.018 < p("less", found.upper - 0.01)
    assert found.lower < found.estimate < found.upper


def test_equal_arms_on_the_same_bytes_are_accepted_in_both_questions():
    verdict = judge(trials(40), EXACT)

    assert (verdict.status, verdict.accepted, verdict.more_pairs) == ("accepted", True, 0)
    assert [(one.question, one.status) for one in verdict.findings] == [
        ("behaviour", "accepted"),
        ("overhead", "accepted"),
    ]
    assert set(verdict.finding("overhead").rulings) == {"ttft_ms", "total_ms", "cpu_ms"}
    assert verdict.finding("live") is None


def test_one_different_text_on_the_same_bytes_rejects_and_tells_the_difference():
    found = trials(40)
    spoiled = with_candidates(found, [measured("London"), *(one.candidate for one in found[1:])])

    verdict = judge(spoiled, EXACT)

    assert verdict.status == "rejected"
    assert "1 of 40 answers differ, first at capital" in verdict.reasons[0]


def test_the_same_text_that_ends_otherwise_is_not_the_same():
    verdict = judge(trials(40, candidate=lambda ms: measured(ms=ms, finish_reason="length")), EXACT)

    assert verdict.status == "rejected"
    assert "ends with 'length' instead of ''" in verdict.reasons[0]


def test_a_baseline_that_does_not_repeat_recorded_bytes_proves_nothing():
    assert judge(trials(40, control=other), EXACT).finding("behaviour").status == "invalid"


def test_models_are_compared_with_the_baselines_own_rate_of_equal_texts():
    assert judge(trials(160), MODELS).finding("behaviour").status == "accepted"
    differing = judge(trials(160, candidate=other), MODELS).finding("behaviour")
    assert differing.status == "rejected"
    assert "the same text in 0 of" in differing.reason


def test_a_baseline_that_never_says_the_same_twice_tells_nothing():
    found = judge(trials(160, control=other, candidate=other), MODELS).finding("behaviour")

    assert found.status == "invalid"
    assert "the baseline's own rate is 0 of 160: too low to tell anything" in found.reason


def test_few_equal_texts_of_models_are_undecided_and_say_how_many_more_it_takes():
    few = judge(trials(12), MODELS).finding("behaviour")

    assert few.status == "undecided"
    assert judge(trials(12 + few.more_pairs), MODELS).finding("behaviour").status == "accepted"


def test_a_slower_candidate_is_rejected_by_its_overhead_and_only_gross_ones_when_others_answer():
    assert judge(trials(40, slower=0.1), EXACT).finding("overhead").status == "rejected"
    assert judge(trials(40, slower=0.1), LIVE).finding("live").status == "accepted"
    gross = judge(trials(40, slower=1.0), LIVE).finding("live")
    assert (gross.status, set(gross.rulings)) == ("rejected", {"ttft_ms", "total_ms"})


def test_where_a_servers_times_are_known_the_arms_own_shares_are_judged():
    def with_server(ms=100.0, **fields):
        return measured(ms=ms, before_ms=5.0 + ms / 1000, after_ms=1.0 + ms / 1000, **fields)

    found = with_candidates(trials(40, control=with_server), [with_server(ms=300)] * 40)
    found = [type(one)(1, "p", (), with_server(), one.candidate, one.control) for one in found]

    assert set(judge(found, EXACT).finding("overhead").rulings) == {"before_ms", "after_ms", "cpu_ms"}


def test_a_candidate_that_always_fails_is_rejected_and_one_that_sometimes_fails_is_never_accepted():
    always = judge(trials(40, candidate=failing), MODELS)
    found = trials(160)
    sometimes = judge(with_candidates(found, [failing(1), *(one.candidate for one in found[1:])]), MODELS)

    assert (always.status, always.errors["candidate"]) == ("rejected", 40)
    assert sometimes.status == "undecided"
    assert all("the candidate failed in 1 of 160 trials" in reason for reason in sometimes.reasons)


def test_a_baseline_that_always_fails_is_no_reason_to_take_the_candidate():
    found = [type(one)(1, "p", (), failing(1), one.candidate, failing(1)) for one in trials(40)]

    for terms in (EXACT, MODELS, LIVE):
        assert judge(found, terms).status == "invalid"


def test_nothing_measured_is_undecided():
    verdict = judge([], EXACT)

    assert (verdict.status, verdict.reasons) == ("undecided", ("behaviour undecided: nothing was measured",))
    assert verdict.seed_rule.status == "invalid"


def test_the_seeds_rule_wants_a_week_of_equal_texts_without_a_slow_one():
    assert seed_rule(trials(14, slower=-0.1, days=7), thresh_pct=3).accepted
    early = seed_rule(trials(14, slower=-0.1, days=6), thresh_pct=3)
    assert (early.status, early.reasons) == ("undecided", ("6 of 7 days are covered",))
    slow = seed_rule(trials(14, slower=0.2, days=7), thresh_pct=3)
    assert slow.status == "rejected"
    assert any("worst total" in reason for reason in slow.reasons)
    differing = seed_rule(trials(14, slower=-0.1, days=7, candidate=other), thresh_pct=3)
    assert (differing.status, differing.reasons) == ("rejected", ("14 of 14 texts differ",))
    assert seed_rule(trials(14, days=7, candidate=failing), thresh_pct=3).status == "invalid"
