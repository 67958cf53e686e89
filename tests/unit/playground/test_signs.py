"""Emoji have names: Slack's own, and words for who hears the page."""

import pytest

from playground import signs


def test_what_is_offered_goes_to_slack_and_back() -> None:
    """Every emoji of the page has a name on Slack that is shown as that emoji again; others keep theirs."""
    for each in signs.REACTIONS:
        assert signs.from_slack(signs.slack_name(each.sign)) == each.sign
    assert signs.from_slack("party_parrot") == ":party_parrot:"
    with pytest.raises(ValueError, match="no reaction of this page"):
        signs.slack_name("🦜")


@pytest.mark.parametrize(
    ("label", "words"),
    [("Try again", "Try again"), ("👍", "thumbs up"), ("❤️", "heart"), ("🦜", "parrot"), ("", "button")],
)
def test_a_label_in_words(label: str, words: str) -> None:
    """What has letters is its own name; a sign is called what it is called."""
    assert signs.words(label) == words
    assert signs.button("press", label).name == words
