"""Who may do what."""

import dataclasses

import pytest

from bot import access, conversation

ADA = conversation.Standing(
    platform="slack", user="U1", channel="C1", workspaces=("T1",), roles=("R1",), guest=False
)
GUEST = dataclasses.replace(ADA, guest=True)


@pytest.mark.parametrize("named", ["slack:U1", "slack:C1", "slack:T1", "slack:R1"])
def test_every_kind_of_id_lets_in_and_shuts_out(named: str) -> None:
    """A person, channel, workspace or role may be allowed or denied."""
    ids = frozenset({named})
    assert access.Rules(allow=ids).admits(ADA)
    assert not access.Rules(deny=ids).admits(ADA)
    assert not access.Rules(allow=frozenset({"slack:X"})).admits(ADA)
    assert access.Rules(deny=frozenset({"slack:X"})).admits(ADA)


@pytest.mark.parametrize("allowed", ["slack:U1", "slack:C1", "slack:T1", "slack:R1"])
@pytest.mark.parametrize("denied", ["slack:U1", "slack:C1", "slack:T1", "slack:R1"])
def test_deny_wins(allowed: str, denied: str) -> None:
    """Whatever allows somebody, one denial is enough."""
    assert not access.Rules(allow=frozenset({allowed}), deny=frozenset({denied})).admits(ADA)


def test_ids_of_two_platforms_are_different() -> None:
    """An id is another one on another platform."""
    rules = access.Rules(deny=frozenset({"discord:U1"}), admins=frozenset({"slack:U1"}))
    assert rules.admits(ADA)
    assert rules.is_admin("slack", "U1")
    assert not rules.is_admin("discord", "U1")
    assert rules.ids("discord") == {"U1"}


def test_guests_stay_out_unless_they_are_let_in() -> None:
    """A guest is admitted by the setting or by their own name in the list, never by a channel's."""
    assert not access.Rules().admits(GUEST)
    assert access.Rules(guests=True).admits(GUEST)
    assert access.Rules(allow=frozenset({"slack:U1"})).admits(GUEST)
    assert not access.Rules(allow=frozenset({"slack:C1", "slack:T1"})).admits(GUEST)
    assert not access.Rules(guests=True, allow=frozenset({"slack:C2"})).admits(GUEST)
    assert not access.Rules(guests=True, deny=frozenset({"slack:U1"})).admits(GUEST)


def test_a_post_alone_says_who_wrote_it_where() -> None:
    """Without an adapter's word, author and home decide; an empty workspace is none."""
    home = conversation.Home(platform="discord", workspace="", channel="7", address="7")
    assert access.standing("42", home) == conversation.Standing(platform="discord", user="42", channel="7")
