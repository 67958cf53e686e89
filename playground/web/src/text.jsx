// Text as the platform would show it, as elements: nothing is ever put into the page as markup.
import { Marked } from "marked";
import { goTo, nameOf, placeOf, store } from "./store.js";

const none = () => undefined;
const slackMarkdown = new Marked({ gfm: true, breaks: true });
const discordMarkdown = new Marked({ gfm: true, breaks: true });
discordMarkdown.use({
  tokenizer: { table: none, hr: none, lheading: none, def: none, html: none },
  extensions: [
    inline("underline", /^__(?=\S)([\s\S]*?\S)__(?!_)/, "__"),
    inline("spoiler", /^\|\|([\s\S]+?)\|\|/, "||"),
  ],
});

function inline(name, rule, begin) {
  return {
    name,
    level: "inline",
    start: (src) => {
      const at = src.indexOf(begin);
      return at < 0 ? undefined : at;
    },
    tokenizer(src) {
      const found = rule.exec(src);
      return found ? { type: name, raw: found[0], tokens: this.lexer.inlineTokens(found[1]) } : undefined;
    },
  };
}

export function Text({ text, format }) {
  if (format === "mrkdwn") return <div class="text">{mrkdwn(text)}</div>;
  if (format === "plain") return <div class="text">{text}</div>;
  const parser = format === "discord" ? discordMarkdown : slackMarkdown;
  return <div class="text">{blocks(parser.lexer(text))}</div>;
}

const blocks = (tokens) => (tokens ?? []).map((token, at) => block(token, at));

function block(token, at) {
  switch (token.type) {
    case "space":
    case "def":
      return null;
    case "code":
      return <Code key={at} text={token.text} language={token.lang} />;
    case "heading":
      return <p key={at} class={`heading h${token.depth}`}>{inlines(token.tokens)}</p>;
    case "hr":
      return <hr key={at} />;
    case "blockquote":
      return <blockquote key={at}>{blocks(token.tokens)}</blockquote>;
    case "list": {
      const items = token.items.map((item, n) => <li key={n}>{blocks(item.tokens)}</li>);
      return token.ordered ? <ol key={at} start={Number(token.start) || 1}>{items}</ol> : <ul key={at}>{items}</ul>;
    }
    case "checkbox":
      return <span key={at}>{token.checked ? "☑ " : "☐ "}</span>;
    case "table":
      return <Table key={at} token={token} />;
    case "paragraph":
      return <p key={at}>{inlines(token.tokens)}</p>;
    case "text":
      return <span key={at}>{token.tokens ? inlines(token.tokens) : leaf(token.text)}</span>;
    default:
      return <p key={at}>{leaf(token.raw)}</p>;
  }
}

function Table({ token }) {
  const row = (cells, Cell) => cells.map((cell, n) => <Cell key={n}>{inlines(cell.tokens)}</Cell>);
  return (
    <div class="table" role="region" aria-label="Table" tabIndex={0}>
      <table>
        <thead><tr>{row(token.header, "th")}</tr></thead>
        <tbody>{token.rows.map((cells, n) => <tr key={n}>{row(cells, "td")}</tr>)}</tbody>
      </table>
    </div>
  );
}

const inlines = (tokens) => (tokens ?? []).map((token, at) => inlineOf(token, at));

function inlineOf(token, at) {
  switch (token.type) {
    case "strong":
      return <strong key={at}>{inlines(token.tokens)}</strong>;
    case "em":
      return <em key={at}>{inlines(token.tokens)}</em>;
    case "del":
      return <del key={at}>{inlines(token.tokens)}</del>;
    case "underline":
      return <u key={at}>{inlines(token.tokens)}</u>;
    case "spoiler":
      return <details key={at} class="spoiler"><summary>spoiler</summary>{inlines(token.tokens)}</details>;
    case "codespan":
      return <code key={at}>{token.text}</code>;
    case "br":
      return <br key={at} />;
    case "link":
      return <Link key={at} href={token.href}>{inlines(token.tokens)}</Link>;
    case "image":
      return <Link key={at} href={token.href}>{token.text || token.href}</Link>;
    case "checkbox":
      return <span key={at}>{token.checked ? "☑ " : "☐ "}</span>;
    case "escape":
      return token.text;
    default:
      return token.tokens ? <span key={at}>{inlines(token.tokens)}</span> : <span key={at}>{leaf(token.text ?? token.raw)}</span>;
  }
}

function Code({ text, language }) {
  return (
    <pre tabIndex={0} role="region" aria-label={language ? `Code, ${language}` : "Code"}>
      {language ? <span class="language">{language}</span> : null}
      <code>{text}</code>
    </pre>
  );
}

function Link({ href, children }) {
  const safe = /^(https?:|mailto:)/i.test(href);
  return safe ? <a href={href} target="_blank" rel="noopener noreferrer">{children}</a> : <span>{children}</span>;
}

// Mentions, in text that holds no other markup any more.
const MENTION = /<(?:@!?([A-Z0-9]+)|#([A-Z0-9]+)(?:\|[^>]*)?|!(channel|here|everyone))>|@(everyone|here)\b/g;

function leaf(text) {
  const parts = [];
  let end = 0;
  for (const found of text.matchAll(MENTION)) {
    if (found.index > end) parts.push(unescaped(text.slice(end, found.index)));
    const [, person, place, range, bare] = found;
    if (person) parts.push(<span class={person === me() ? "mention mine" : "mention"}>@{nameOf(person)}</span>);
    else if (place) parts.push(<button type="button" class="mention link" onClick={() => goTo(place)}>#{placeOf(place)?.name ?? "channel"}</button>);
    else parts.push(<span class="mention">@{range ?? bare}</span>);
    end = found.index + found[0].length;
  }
  if (end < text.length) parts.push(unescaped(text.slice(end)));
  return parts;
}

const me = () => store.person[store.side];
const unescaped = (text) => (store.side === "slack" ? text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&") : text);

// Slack's own notation, which people's posts are in.
function mrkdwn(text) {
  return text.split(/(```[\s\S]*?```)/).flatMap((part, n) => {
    if (part.startsWith("```") && part.endsWith("```") && part.length > 5)
      return [<Code key={n} text={unescaped(part.slice(3, -3).replace(/^\n/, ""))} />];
    return part.split("\n").map((line, m, all) => {
      if (!line && (m === 0 || m === all.length - 1)) return null;
      if (line.startsWith("&gt;")) return <blockquote key={`${n}.${m}`}>{mrkdwnLine(line.slice(4).trimStart())}</blockquote>;
      return <p key={`${n}.${m}`}>{line ? mrkdwnLine(line) : " "}</p>;
    });
  });
}

const MRKDWN = /`([^`\n]+)`|(?<![\w*])\*(?=\S)([^*\n]*[^*\s])\*(?![\w*])|(?<![\w_])_(?=\S)([^_\n]*[^_\s])_(?![\w_])|(?<![\w~])~(?=\S)([^~\n]*[^~\s])~(?![\w~])|<(https?:[^|>]+|mailto:[^|>]+)(?:\|([^>]*))?>|(https?:\/\/[^\s<>|]+)/g;

function mrkdwnLine(line) {
  const parts = [];
  let end = 0;
  for (const found of line.matchAll(MRKDWN)) {
    if (found.index > end) parts.push(leaf(line.slice(end, found.index)));
    const [, code, bold, italic, struck, href, label, bare] = found;
    if (code) parts.push(<code>{unescaped(code)}</code>);
    else if (bold) parts.push(<strong>{mrkdwnLine(bold)}</strong>);
    else if (italic) parts.push(<em>{mrkdwnLine(italic)}</em>);
    else if (struck) parts.push(<del>{mrkdwnLine(struck)}</del>);
    else parts.push(<Link href={href ?? unescaped(bare)}>{unescaped(label ?? href ?? bare)}</Link>);
    end = found.index + found[0].length;
  }
  if (end < line.length) parts.push(leaf(line.slice(end)));
  return parts;
}

// A post's text as its author typed it, for editing.
export function typed(text) {
  const named = text.replace(/<@!?([A-Z0-9]+)>/g, (_, id) => `@${nameOf(id)}`);
  return store.side === "slack" ? unescaped(named) : named;
}
