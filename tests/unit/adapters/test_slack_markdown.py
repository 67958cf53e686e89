import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.slack import markdown

NAMES = {"ada": "U1", "ada lovelace": "U2", "grace": "W3"}
USERS = {"U1": "Ada", "U2": "Ada Lovelace"}
JOINER = "\u2060"

_PIECES = st.sampled_from(
    [
        "word ", "\n", "\n\n", "- ", "1. ", "> ", "# ", "```\n", "```", "~~~\n", "    ", "`", "``",
        "**", "_", "~~", "[", "](", ")", "https://x.io/a_(b)", "<", ">", "<!channel>", "<!here|x>",
        "<!subteam^S1|@team>", "<@U1>", "<@U9>", "<https://x>", "@ada", "@Ada Love", "lace", "@here",
        "@everyone", "&lt;", "!channel>", "&#60;", "\\", "!", "|", "| a | b |\n|---|---|\n", "&amp;", "<br>",
        "<!--", "-->", "<div>\n", "![", "@", "\t", "\r", "\x00", "\u2028", "é",
    ]
)  # fmt: skip
_TEXTS = st.lists(st.one_of(_PIECES, st.text(max_size=5)), max_size=30).map("".join)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("**b** *i* _i_ ~~s~~ ***both***", "*b* _i_ _i_ ~s~ _*both*_"),
        ("a < b & c > d", "a &lt; b &amp; c &gt; d"),
        ("# Title with **bold**\n\ntext", "*Title with bold*\n\ntext"),
        ("Title\n=====", "*Title*"),
        ("- a\n- b\n  - c\n    1. d\n    2. e", "• a\n• b\n    • c\n        1. d\n        2. e"),
        ("3. a\n4. b", "3. a\n4. b"),
        ("- [ ] a\n- [x] b", "• ☐ a\n• ☑ b"),
        ("- a\n\n  more", "• a\n    more"),
        ("> a\n> b\n>\n> > c", "> a\n> b\n>\n> c"),
        ("`a < b`", "`a &lt; b`"),
        ("`` a`b ``", "`a\u02cbb`"),
        ("```py\nx = 1 < 2\n  **y**\n```", "```\nx = 1 &lt; 2\n  **y**\n```"),
        ("````\n```\n````", "```\n``\u200b`\n```"),
        ("- a\n  ```\n  x\n  y\n  ```\n  b", "• a\n```\nx\ny\n```\n    b"),
        ("[l](https://x.io/?a=1&b=2)", "<https://x.io/?a=1&amp;b=2|l>"),
        ("[**l**](https://x.io)", "<https://x.io|*l*>"),
        ("<https://x.io>", "<https://x.io>"),
        ("https://x.io/a_b_c", "https://x.io/a_b_c"),
        ("<a@b.io>", "<mailto:a@b.io|a@b.io>"),
        ("![alt](https://x.io/p.png)", "<https://x.io/p.png|alt>"),
        ("[![alt](https://x.io/p.png)](https://x.io)", "<https://x.io|alt>"),
        ("[l](docs/a.md)", "l (docs/a.md)"),
        ("a\n\n---\n\nb", "a\n\n──────────\n\nb"),
        ("a<br>b", "a\nb"),
        ("<b>x</b>", "&lt;b&gt;x&lt;/b&gt;"),
        ("<div>\nx\n</div>", "&lt;div&gt;\nx\n&lt;/div&gt;"),
        # Slack's marks end with the line and want the edge of a word
        ("**a\nb**", "*a*\n*b*"),
        ("これは**太字**です", "これは\u200b*太字*\u200bです"),
        ("", ""),
    ],
)
def test_markdown_as_mrkdwn(source: str, expected: str) -> None:
    """Each construct of Claude's Markdown has its form in mrkdwn."""
    assert markdown.to_mrkdwn(source) == expected


@pytest.mark.parametrize("source", ["> " * 150 + "deep", "**a " * 900 + "b**" * 900, "- " * 99 + "deep"])
def test_markup_nested_beyond_reason_is_text(source: str) -> None:
    """No depth of markup loses the text or ends the program."""
    assert markdown.to_mrkdwn(source).endswith(source[-4:])


def test_tables_are_aligned() -> None:
    """Columns line up in a monospace font, wide characters counted as two, markup left out."""
    source = "| Name | *n* |\n|---|--:|\n| **Ada** & co | 1 |\n| 世界 | 20 |\n| x<br>y | |"
    lines = ["Name       n", "--------  --", "Ada &amp; co   1", "世界      20", "x y"]
    assert markdown.to_mrkdwn(source).split("\n") == ["```", *lines, "```"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("hi @Ada!", "hi <@U1>!"),
        ("@ada lovelace and @ADA", "<@U2> and <@U1>"),
        ("**@grace**", "*<@W3>*"),
        ("@adam, a@ada, x/@ada, @bob", "@adam, a@ada, x/@ada, @bob"),
        ("`@ada`", "`@ada`"),
        ("[@ada](https://x.io)", "<https://x.io|@ada>"),
        ("<@U1> <@U9>", "&lt;@U1&gt; &lt;@U9&gt;"),
    ],
)
def test_known_names_become_mentions(source: str, expected: str) -> None:
    """A name is a mention only as a whole word, outside code and links, and where the mapping has it."""
    assert markdown.to_mrkdwn(source, names=NAMES) == expected


def test_a_mapping_mentions_users_only() -> None:
    """What is no user id cannot be smuggled in as one."""
    assert markdown.to_mrkdwn("@all", names={"all": "!channel"}) == "@all"
    assert markdown.markdown_block_text("@all", names={"all": "!channel"}) == "@all"


@pytest.mark.parametrize(
    "source",
    [
        "<!channel>",
        "[x](<!channel>)",
        "[x](!channel)",
        "[x](@U9)",
        "![x](!here)",
        "&lt;!here&gt;",
        r"\<!here>",
        "`<!here>`",
    ],
)
def test_no_alert_and_no_stranger_in_mrkdwn(source: str) -> None:
    """No way of writing a control sequence in Markdown makes one in Slack."""
    shown = markdown.to_mrkdwn(source, names=NAMES)
    assert "<!" not in shown
    assert "<@" not in shown


@given(source=_TEXTS)
@settings(max_examples=500)
def test_mrkdwn_never_alerts(source: str) -> None:
    """Whatever the Markdown, the only `<` in mrkdwn are links and mentions of known people."""
    shown = markdown.to_mrkdwn(source, names=NAMES)
    known = ("@u1>", "@u2>", "@w3>", "http://", "https://", "mailto:", "tel:")
    assert all(part.lower().startswith(known) for part in shown.split("<")[1:])


@given(words=st.lists(st.text(alphabet="abc<>&;,ltgmp", min_size=1, max_size=8), min_size=1, max_size=8))
def test_plain_text_survives_both_ways(words: list[str]) -> None:
    """Text without Markdown comes back from Slack's form as it was."""
    plain = "so " + " ".join(words)
    if markdown.to_mrkdwn(plain) == plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"):
        assert markdown.from_mrkdwn(markdown.to_mrkdwn(plain), users={}) == plain
    else:
        assert "&" in plain  # an entity: Markdown reads it as the character it stands for


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("**b** [l](https://x.io)\n\n| a |\n|---|\n| 1 |", "**b** [l](https://x.io)\n\n| a |\n|---|\n| 1 |"),
        ("hi @Ada", "hi <@U1>"),
        ("hi <@U1>", "hi <@U1>"),
        ("hi <@U9>", f"hi <{JOINER}@U9>"),
        ("<!channel> <!subteam^S1|@t>", f"<{JOINER}!channel> <{JOINER}!subteam^S1|@t>"),
        (r"<\!channel>", rf"<{JOINER}\!channel>"),
        ("&lt;!channel>", f"&lt;{JOINER}!channel>"),
        ("&#60;&#33;channel>", f"&#60;{JOINER}&#33;channel>"),
        ("@here, **@Channel** _@everyone_", f"@{JOINER}here, **@{JOINER}Channel** _@{JOINER}everyone_"),
        ("@hereby a@here.io", "@hereby a@here.io"),
        # code
        ("```html\n<!channel> @ada @here\n```", "```html\n<!channel> @ada @here\n```"),
        ("- a\n  ```\n  <!here>\n  ```", "- a\n  ```\n  <!here>\n  ```"),
        ("`<!DOCTYPE html> @ada`", "`<!DOCTYPE html> @ada`"),
        ("`<!channel>`", f"`<{JOINER}!channel>`"),
        ("~~~\n<!here> @ada\n~~~", f"~~~\n<{JOINER}!here> @ada\n~~~"),
        # where parsers disagree on what is code, it is not
        ("<!--\n```\n-->\n```\n<!channel>\n", f"<{JOINER}!--\n```\n-->\n```\n<{JOINER}!channel>\n"),
        ("<div>\n```\n<!channel>\n```\n</div>", f"<div>\n```\n<{JOINER}!channel>\n```\n</div>"),
    ],
)
def test_markdown_for_a_block(source: str, expected: str) -> None:
    """Markdown goes to a block as it is, but for mentions and what would alert."""
    assert markdown.markdown_block_text(source, names=NAMES) == expected


@given(source=_TEXTS)
@settings(max_examples=500)
def test_a_block_never_alerts_outside_fences(source: str) -> None:
    """Without a backtick fence no alert and no stranger's mention is left, and nothing visible is lost."""
    source = source.replace("```", "")
    shown = markdown.markdown_block_text(source)
    assert not any(alert in shown for alert in ("<!channel", "<!here", "<!subteam", "<@U1>", "<@U9>"))
    assert shown.replace(JOINER, "") == source.replace(JOINER, "").replace("\r\n", "\n").replace("\r", "\n")


@given(source=_TEXTS, more=_TEXTS)
@settings(max_examples=500)
def test_settled_text_never_changes(source: str, more: str) -> None:
    """What was streamed of the settled beginning begins the outcome for any longer text."""
    sent = markdown.markdown_block_text(markdown.settled(source, names=NAMES), names=NAMES)
    assert markdown.markdown_block_text(source + more, names=NAMES).startswith(sent)


@pytest.mark.parametrize(
    ("growing", "expected"),
    [
        ("Some wor", "Some "),
        ("Some word ", "Some word "),
        ("by `code and ", "by "),
        ("by `code` and ", "by `code` and "),
        ("ask @ada ", "ask "),
        ("ask @bob ", "ask @bob "),
        ("text\n```p", "text\n"),
        ("text\n", "text\n"),
    ],
)
def test_what_is_settled(growing: str, expected: str) -> None:
    """All but the last word is settled, unless a span, a name or a fence may still grow."""
    assert markdown.settled(growing, names=NAMES) == expected


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("<@U1> hi", "@Ada hi"),
        ("<@U7|ada> <@U7>", "@ada @U7"),
        ("<#C1|general> <#C2> <#C3|>", "#general #random #C3"),
        ("<https://x.io|label>", "[label](https://x.io)"),
        ("<https://x.io/a_(b)|la[b]el>", r"[la\[b\]el](<https://x.io/a_(b)>)"),
        ("<https://x.io/?a=1&amp;b=2>", "https://x.io/?a=1&b=2"),
        ("<http://x.io|x.io>", "x.io"),
        ("<https://x.io/|https://x.io>", "https://x.io"),
        ("<mailto:a@b.io|a@b.io> <mailto:a@b.io> <tel:123|12-3>", "a@b.io a@b.io 12-3"),
        ("<!here> <!channel|channel> <!everyone>", "@here @channel @everyone"),
        ("<!subteam^S1|@team> <!subteam^S1>", "@team @S1"),
        ("<!date^1392734382^{date}|Feb 18> <!date^1^{date}^https://x.io|then>", "Feb 18 then"),
        ("<!unknown|label> <!unknown>", "label <!unknown>"),
        ("1 &lt; 2 &amp;&amp; 3 &gt; 2", "1 < 2 && 3 > 2"),
        ("&amp;lt;", "&lt;"),
        ("*bold* _it_ `a &lt; b`", "*bold* _it_ `a < b`"),
        # malformed
        ("a < b > c", "a < b > c"),
        ("<@> <#> <!> <|> <>", "@ # <!> <|> <>"),
        ("<@U1 <https://x", "<@U1 <https://x"),
    ],
)
def test_what_was_typed_in_slack(typed: str, expected: str) -> None:
    """Each of Slack's sequences reads as a person would write it; what is none stays."""
    assert markdown.from_mrkdwn(typed, users=USERS, channels={"C2": "random"}) == expected


@given(typed=_TEXTS)
@settings(max_examples=500)
def test_reading_never_raises(typed: str) -> None:
    """Any text can be read, and text without Slack's signs is unchanged."""
    shown = markdown.from_mrkdwn(typed, users=USERS)
    markdown.mentioned_users(typed)
    if "<" not in typed and "&" not in typed:
        assert shown == typed


def test_mentions_in_order() -> None:
    """People are listed once each, in order of appearance."""
    assert markdown.mentioned_users("<@U2> and <@U1|ada>, <@U2> <#C1> <@bad>") == ["U2", "U1"]
