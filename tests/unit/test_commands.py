"""The words people can say: what counts as one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.desk import commands


@pytest.mark.parametrize("word", commands.WORDS)
def test_every_word_is_understood(word: str) -> None:
    """Each command is read off `!word`, whatever its case, with what follows as its argument."""
    assert commands.parse(f" !{word} ") == (word, "")
    assert commands.parse(f"!{word.upper()}  the  rest ") == (word, "the  rest")


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("!forget\nyes", ("forget", "yes")),  # on two lines
        ("!export\tmarkdown", ("export", "markdown")),  # after a tab
        ("!prompt one\ntwo", ("prompt", "one\ntwo")),  # an argument of several lines
        ("!usgae", ("usgae", "")),  # a slip: it gets a hint
        ("!", None),  # no word
        ("! help", ("help", "")),  # meant as one all the same
        ("! Help!", ("help", "")),
        ("! new idea: a picnic", None),  # a sentence
        ("! xyzzy", None),
        ("!!usage day", ("usage", "day")),
        ("!!wow", None),
        ("!!", None),  # astonishment
        ("!?", None),
        ("!important: read this", None),  # punctuation: a sentence, not a command
        ("!1", None),  # a number
        ("!ünlich", None),  # no word of ours has such letters
        ("help", None),  # without the mark it is for Claude
        ("say !help", None),  # not at the start
        ("", None),
    ],
)
def test_what_is_a_command(text: str, parsed: tuple[str, str] | None) -> None:
    """A command is `!`, letters, and after white space whatever it is given."""
    assert commands.parse(text) == parsed


@given(st.text())
def test_any_text_can_be_asked_about(text: str) -> None:
    """No text breaks the reading, and what is read is a plain lower-case word."""
    parsed = commands.parse(text)
    if parsed:
        word, argument = parsed
        assert word.isascii()
        assert word == word.lower()
        assert text.lower().lstrip("! \t\n\r\f\v").startswith(word) or not text.isascii()
        assert argument == argument.strip()


@pytest.mark.parametrize(
    ("word", "guess"), [("usgae", "usage"), ("hepl", "help"), ("stpo", "stop"), ("sumary", "summary")]
)
def test_a_slip_is_guessed(word: str, guess: str) -> None:
    """A word close to a command gets that command as a hint."""
    assert commands.hint(word) == (
        f"I know no command `{word}`. Did you mean `{guess}`? `help` lists what I can do."
    )


def test_a_strange_word_gets_no_guess() -> None:
    """A word like none of ours is pointed to `help` only."""
    assert commands.hint("xyzzy") == "I know no command `xyzzy`. `help` lists what I can do."


def test_every_word_says_what_it_does() -> None:
    """The words are those of the contract, in its order, each with a line of help."""
    expected = "help new stop retry context summary usage model prompt export forget"
    assert " ".join(commands.WORDS) == expected
    assert all(commands.WORDS.values())


@pytest.mark.parametrize(
    ("word", "argument", "options"),
    [
        ("model", "channel opus-5-5", {"where": "channel", "name": "opus-5-5"}),
        ("model", "opus-5-5", {"name": "opus-5-5"}),
        ("context", "strategy window", {"setting": "strategy", "value": "window"}),
        ("context", "channel web on", {"where": "channel", "setting": "web", "value": "on"}),
        ("prompt", "Be brief.\nAlways.", {"text": "Be brief.\nAlways."}),
        ("forget", "me yes", {"whom": "me yes"}),
        ("help", "me", {}),
    ],
)
def test_an_argument_fills_options(word: str, argument: str, options: dict[str, str]) -> None:
    """What is typed after a word goes into its options in their order, and adds up to the same again."""
    assert commands.filled(word, argument) == options
    assert not options or " ".join(options.values()) == argument


@pytest.mark.parametrize("word", commands.OPTIONS)
def test_options_fit_the_platforms(word: str) -> None:
    """Names and descriptions are within Discord's limits, and no option has more choices than it shows."""
    for option in commands.OPTIONS[word]:
        assert 0 < len(option.description) <= 100
        assert option.name == option.name.lower()
        assert len(option.choices) <= 25
        assert not (option.choices and option.completes)
