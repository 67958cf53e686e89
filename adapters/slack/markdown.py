"""Pure: Markdown to what Slack shows, and what a person typed in Slack to Markdown.

Rule 1: an answer alerts no channel, whatever Claude was talked into: `<!` never leaves `to_mrkdwn`, and
`<!channel>` and its like leave `markdown_block_text` only inside a backtick fence.
Rule 2: somebody is mentioned only where the caller's mapping has the name.
Rule 3: reading never raises; what is no Slack markup is text.

Sources: docs.slack.dev/messaging/formatting-message-text (control sequences, escapes, links, dates) and
docs.slack.dev/reference/block-kit/blocks/markdown-block.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from adapters.slack import mentions, mrkdwn

_NOBODY: Mapping[str, str] = MappingProxyType({})
_PARSER = MarkdownIt("commonmark", {"html": False, "maxNesting": 100}).enable(["table", "strikethrough"])
_DEEPEST = 60  # levels of markup: past the parser's own bound text would be lost
# A line is fenced code only where a parser that knows HTML blocks and one that does not agree on it.
_BLOCK_PARSERS = tuple(MarkdownIt("commonmark", {"html": html}).disable("inline") for html in (False, True))

_TOKEN = re.compile(r"<([^<>\n]+)>|&(?:amp|lt|gt);")
_ENTITY = re.compile(r"&(?:amp|lt|gt);")
_ENTITIES = {"&amp;": "&", "&lt;": "<", "&gt;": ">"}
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?://)?")
_CODE_SPAN = re.compile(r"((?<![`\\])(?P<ticks>`+)(?!`)[^\n]*?(?<!`)(?P=ticks)(?!`))")
_FENCE_START = re.compile(r"[ \t>*+\-0-9.)]*(?:`{1,2}\Z|`{3}|~{1,2}\Z|~{3})")
_WORD_JOINER = "\u2060"
# How Markdown can spell `<` and `@`: as they are and as entities.
_LESS = r"(?:<|&lt;?|&#0*60;?|&#[xX]0*3[cC];?)"
_AT = r"(?:@|&commat;|&#0*64;?|&#[xX]0*40;?)"
_CONTROL = re.compile(_LESS + r"(?=[!@\\&])")
_CONTROL_IN_CODE = re.compile(
    _LESS + r"(?=(?:\\?[!@]|&[#\w]+;)(?:channel|here|everyone|group|subteam|date|[UW][A-Z0-9]))"
)
_BROADCAST = re.compile(
    rf"(?<![A-Za-z0-9]){_AT}(?=(?:here|channel|everyone)(?![A-Za-z0-9])|&)", re.IGNORECASE
)


def from_mrkdwn(text: str, *, users: Mapping[str, str], channels: Mapping[str, str] = _NOBODY) -> str:
    """What was typed in Slack as Markdown: mentions as names, links as links, escapes undone once.

    `users` and `channels` give the name for an id; without one the label in the text stands, else the id.
    Bold, italic and code stay as typed: `*bold*` reads as emphasis in Markdown too.
    """

    def shown(match: re.Match[str]) -> str:
        if match[1] is None:
            return _ENTITIES[match[0]]
        target, _, label = match[1].partition("|")
        return _shown(_unescaped(target), _unescaped(label), users, channels) or _unescaped(match[0])

    return _TOKEN.sub(shown, text)


def mentioned_users(text: str) -> list[str]:
    """The ids of the people mentioned in a Slack text, in order of appearance, each once."""
    return list(dict.fromkeys(mentions.MENTION.findall(text)))


def markdown_block_text(markdown: str, *, names: Mapping[str, str] = _NOBODY) -> str:
    """What goes into a `markdown` block: the same Markdown, names as mentions, alerts defused.

    `names` gives the user id for a lower-cased display name. Outside backtick fences a word joiner (U+2060)
    stands after every `<` that could begin `<!channel>`, `<!subteam^…>` or `<@U…>`, and after the `@` of
    `@here`, `@channel` and `@everyone`. It is invisible, allows no line break, and defuses whichever parser
    comes after, whereas an escape would be undone by the Markdown parser before Slack looks for mentions.
    `<@U…>` of somebody in `names` stays. Code spans and other code are defused too, as Slack's idea of where
    they end is not documented, but no name in them becomes a mention.

    See `settled` for a text that is still growing.
    """
    markdown = markdown.replace("\r\n", "\n").replace("\r", "\n")
    fenced, code = _code_lines(markdown)
    people = mentions.Mentions(names)
    lines = re.split(r"(?<=\n)", markdown)
    for number, line in enumerate(lines):
        if number in code:
            lines[number] = _defused(line, _CONTROL_IN_CODE, people)
        elif number not in fenced:
            lines[number] = _safe_line(line, people)
    return "".join(lines)


def settled(markdown: str, *, names: Mapping[str, str] = _NOBODY) -> str:
    """The beginning of a growing text of which `markdown_block_text` will not change any more.

    For streams that can only be appended to: for any more text,
    `markdown_block_text(markdown + more)` begins with `markdown_block_text(settled(markdown))`.
    """
    markdown = markdown.replace("\r\n", "\n").replace("\r", "\n")
    start = markdown.rfind("\n") + 1
    line = markdown[start:]
    if _FENCE_START.match(line):
        return markdown[:start]
    # The last word, a code span, a control sequence and a name may go on.
    ends = [len(line) - len(re.split(r"\s", line)[-1])]
    outside_spans = _CODE_SPAN.sub(lambda match: " " * len(match[0]), line)
    ends += [at for at in (outside_spans.find("`"), line.find("<", line.rfind(">") + 1)) if at >= 0]
    end = mentions.Mentions(names).settled(line, min(ends))
    end = min([end, *(span.start() for span in _CODE_SPAN.finditer(line) if span.start() < end < span.end())])
    return markdown[: start + end]


def to_mrkdwn(markdown: str, *, names: Mapping[str, str] = _NOBODY) -> str:
    """Markdown as Slack's mrkdwn, for the `text` of a post: what notifications and plain clients show.

    `names` gives the user id for a lower-cased display name: `@Name` outside code becomes `<@U…>`. Headings
    become bold lines, tables aligned monospace, images links; HTML is text. mrkdwn cannot escape its own
    marks, so a literal `*a*` shows bold; a backtick inside a code span becomes a look-alike. Markup nested
    beyond reason stays as it was written.
    """
    tokens = _PARSER.parse(markdown)
    if any(each.level > _DEEPEST for token in tokens for each in (token, *(token.children or ()))):
        return mrkdwn.escaped(markdown)
    return mrkdwn.Writer(mentions.Mentions(names)).blocks(SyntaxTreeNode(tokens).children)


def _unescaped(text: str) -> str:
    return _ENTITY.sub(lambda match: _ENTITIES[match[0]], text)


def _shown(target: str, label: str, users: Mapping[str, str], channels: Mapping[str, str]) -> str | None:
    """What stands for `<target|label>`, None where that is no Slack markup."""
    kind, rest = target[:1], target[1:]
    if kind == "@":
        return f"@{users.get(rest) or label or rest}"
    if kind == "#":
        return f"#{label or channels.get(rest) or rest}"
    if kind == "!":
        return _shown_command(rest, label)
    scheme = _SCHEME.match(target)
    if scheme is None:
        return None
    bare = target[scheme.end() :].rstrip("/")
    if target.startswith(("mailto:", "tel:")):
        return label or bare
    if label.rstrip("/") in {"", bare, target.rstrip("/")}:
        return label or target
    address = f"<{target}>" if re.search(r"[\s()]", target) else target
    escaped = re.sub(r"([\[\]])", r"\\\1", label)
    return f"[{escaped}]({address})"


def _shown_command(command: str, label: str) -> str | None:
    name, _, argument = command.partition("^")
    if name in {"here", "channel", "everyone", "group"}:
        return f"@{name}"
    if name == "subteam":
        return f"@{label.removeprefix('@') or argument}"
    return label or None


def _code_lines(markdown: str) -> tuple[set[int], set[int]]:
    """The numbers of the lines inside backtick fences beyond doubt, and of all other lines of code."""
    fenced, code = [], set()
    for parser in _BLOCK_PARSERS:
        inside = set()
        for token in parser.parse(markdown):
            if token.type in {"fence", "code_block"} and token.map is not None:
                first, last = token.map
                code |= set(range(first, last))
                inside |= set(range(first + 1, last)) if token.markup.startswith("`") else set()
        fenced.append(inside)
    agreed = set.intersection(*fenced)
    return agreed, code - agreed


def _safe_line(line: str, people: mentions.Mentions) -> str:
    """A line of text defused, with names as mentions, its code spans without."""
    parts = []
    at = 0
    for span in _CODE_SPAN.finditer(line):
        parts += [people.write(_defused(line[at : span.start()], _CONTROL, people))]
        parts += [_defused(span[0], _CONTROL_IN_CODE, people)]
        at = span.end()
    return "".join([*parts, people.write(_defused(line[at:], _CONTROL, people))])


def _defused(text: str, control: re.Pattern[str], people: mentions.Mentions) -> str:
    def joined(match: re.Match[str]) -> str:
        mention = mentions.MENTION.match(text, match.start())
        return match[0] if mention and people.has(mention[1]) else match[0] + _WORD_JOINER

    return _BROADCAST.sub(lambda match: match[0] + _WORD_JOINER, control.sub(joined, text))
