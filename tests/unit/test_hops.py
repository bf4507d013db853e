from __future__ import annotations

from liteagent_nb.core.hops import HEADER, parse_via, via, via_header


def test_a_users_own_request_carries_no_header():
    assert via_header() == {}


def test_the_header_is_read_as_it_was_written():
    token = via.set(("a1", "b2"))
    try:
        assert via_header() == {HEADER: "a1,b2"}
        assert parse_via(via_header()[HEADER]) == ("a1", "b2")
    finally:
        via.reset(token)


def test_a_header_by_hand_may_have_blanks_and_gaps():
    assert parse_via(" a1 ,, b2,") == ("a1", "b2")
    assert parse_via("") == ()
