// One request as Claude got it: its blocks, what the cache did, and the ways to take it along.
import { useState } from "preact/hooks";
import { clock, money, Nothing, number, Recalled } from "./figures.jsx";
import { showRequest, store, tell } from "./store.js";

const FATES = {
  read: "read from cache",
  write5m: "written to cache (5 min)",
  write1h: "written to cache (1 h)",
  fresh: "fresh",
  unknown: "not billed",
};
const LONG = 420; // characters of a block that are shown before it is opened

export function Request({ found }) {
  const calls = found.calls;
  const shown = store.request;
  if (!calls.length) return <Nothing />;
  const at = calls.findIndex((each) => each.number === shown?.number);
  const go = (n) => calls[n] && showRequest(calls[n].number);
  return (
    <>
      <div class="choose">
        <button type="button" class="icon" aria-label="Earlier request" disabled={at <= 0} onClick={() => go(at - 1)}>‹</button>
        <select aria-label="Request" value={shown?.number} onChange={(event) => showRequest(Number(event.target.value))}>
          {calls.map((each, n) => (
            <option key={each.number} value={each.number}>
              {`${n + 1}. ${each.kind}, ${clock(each.at)}${each.error ? `, ${each.error}` : ""}`}
            </option>
          ))}
        </select>
        <button type="button" class="icon" aria-label="Later request" disabled={at < 0 || at >= calls.length - 1} onClick={() => go(at + 1)}>›</button>
      </div>
      {shown && at >= 0 ? <One shown={shown} /> : null}
    </>
  );
}

function One({ shown }) {
  const { usage, blocks } = shown;
  const total = blocks.reduce((sum, each) => sum + each.tokens, 0) || 1;
  return (
    <>
      <p class="status">
        <span class={shown.error || (shown.status ?? 200) >= 400 ? "chip bad" : shown.done ? "chip good" : "chip"}>{shown.error ? `${shown.status ?? ""} ${shown.error}` : shown.done ? (shown.stop_reason ?? "done") : "under way…"}</span>
        <span class="chip">{shown.model}</span>
        {usage ? <span class="chip">{money(shown.usd)}</span> : null}
      </p>
      {usage ? (
        <dl class="figures">
          <div class="read"><dt>read</dt><dd>{number(usage.read)}</dd></div>
          <div class="write5m"><dt>written</dt><dd>{number(usage.written_5m + usage.written_1h)}</dd></div>
          <div class="fresh"><dt>fresh</dt><dd>{number(usage.fresh)}</dd></div>
          <div><dt>out</dt><dd>{number(usage.output)}</dd></div>
        </dl>
      ) : null}
      {shown.reading?.reason ? (
        <p class="miss"><strong>Cache:</strong> {shown.reading.expected ? `${number(shown.reading.read)} of ${number(shown.reading.expected)} tokens were read. ` : ""}{capital(shown.reading.reason)}.</p>
      ) : shown.reading ? (
        <p class="hit"><strong>Cache:</strong> {shown.reading.expected ? `all ${number(shown.reading.expected)} tokens of the last prefix were read.` : `${number(shown.reading.read)} tokens were read, which the endpoint caches by itself.`}</p>
      ) : null}
      <div class="stack" role="img" aria-label={stackLabel(blocks)}>
        {blocks.map((each) => (
          <span key={each.path} class={each.fate} style={{ flexGrow: Math.max(1, (1000 * each.tokens) / total) }} title={`${each.path}: ${number(each.tokens)} tokens, ${FATES[each.fate]}`}>
            {each.mark ? <i class="mark" /> : null}
          </span>
        ))}
      </div>
      <p class="legend"><span class="key read">read</span><span class="key write5m">written</span><span class="key fresh">fresh</span><span class="key mark">breakpoint</span></p>
      <div class="copy">
        <button type="button" onClick={() => copy(shown.json, "The request, as JSON,")}>Copy as JSON</button>
        <button type="button" onClick={() => copy(shown.curl, "The request, as a curl command without the key,")}>Copy as curl</button>
      </div>
      {shown.recalls.length ? <><h3>What recall found</h3><Recalled recalls={shown.recalls} /></> : null}
      <ol class="turns">
        {blocks.map((each, n) => <Block key={`${shown.number}.${each.path}`} block={each} opens={each.role !== blocks[n - 1]?.role || turnOf(each) !== turnOf(blocks[n - 1])} />)}
      </ol>
    </>
  );
}

const turnOf = (block) => block?.path.split(".").slice(0, 2).join(".");
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
const stackLabel = (blocks) =>
  Object.entries(FATES)
    .map(([fate, label]) => [label, blocks.filter((each) => each.fate === fate).reduce((sum, each) => sum + each.tokens, 0)])
    .filter(([, tokens]) => tokens)
    .map(([label, tokens]) => `${number(tokens)} tokens ${label}`)
    .join(", ");

function Block({ block, opens }) {
  const [open, setOpen] = useState(false);
  const long = block.text.length > LONG;
  return (
    <li class={opens ? "opens" : ""}>
      {opens ? <h3>{block.role}</h3> : null}
      <div class={`block ${block.fate}`}>
        <p class="meta"><span class="path">{block.path}</span><span>{number(block.tokens)} tokens</span><span class="fate">{FATES[block.fate]}</span></p>
        <pre tabIndex={0}>{long && !open ? `${block.text.slice(0, LONG)}…` : block.text}</pre>
        {long ? <button type="button" class="quiet" aria-expanded={open} onClick={() => setOpen(!open)}>{open ? "Show less" : `Show all ${number(block.text.length)} characters`}</button> : null}
      </div>
      {block.mark ? <p class="breakpoint">breakpoint, kept {block.mark === "1h" ? "1 hour" : "5 minutes"}</p> : null}
    </li>
  );
}

async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    tell(`${what} is on the clipboard.`);
  } catch {
    const field = document.createElement("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    tell(document.execCommand("copy") ? `${what} is on the clipboard.` : "The browser did not allow copying.");
    field.remove();
  }
}
