// What Claude was sent, what it cost, what is remembered, and the rows behind it.
import { useState } from "preact/hooks";
import { clock, money, Nothing, number, posts, Recalled } from "./figures.jsx";
import { Request } from "./request.jsx";
import { get, here, placeOf, store, tell } from "./store.js";

const TABS = [
  ["request", "Request"],
  ["money", "Money"],
  ["memory", "Memory"],
  ["rows", "Log"],
];

export function Inspector() {
  const [tab, setTab] = useState("request");
  const found = store.inspected;
  const step = (event) => {
    const at = TABS.findIndex(([id]) => id === tab);
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1 }[event.key];
    if (next === undefined) return;
    const [id] = TABS[(next + TABS.length) % TABS.length];
    setTab(id);
    document.getElementById(`tab-${id}`)?.focus();
  };
  return (
    <aside class="inspector" aria-label="Inspector">
      <header class="bar"><h2>What Claude sees</h2></header>
      {found?.conversation ? <Gauge found={found} /> : null}
      <div role="tablist" aria-label="Inspector" class="tabs" onKeyDown={step}>
        {TABS.map(([id, label]) => (
          <button type="button" key={id} role="tab" id={`tab-${id}`} aria-selected={tab === id} aria-controls="panel" tabIndex={tab === id ? 0 : -1} onClick={() => setTab(id)}>{label}</button>
        ))}
      </div>
      <div role="tabpanel" id="panel" aria-labelledby={`tab-${tab}`} class="panel" tabIndex={0}>
        {tab === "rows" ? <Rows found={found} /> : !found?.conversation ? <Nothing /> : tab === "request" ? <Request found={found} /> : tab === "money" ? <Money found={found} /> : <Memory found={found} />}
      </div>
    </aside>
  );
}

// What happens past the budget, by strategy.
const ACTS = {
  summarise: "Past the budget, a summary takes the place of older posts, down to the floor.",
  window: "Past the budget, the oldest posts are left out, down to the floor.",
  full: "Everything is sent until the model's own window is full; the budget is not minded.",
};

function Gauge({ found }) {
  const { budget, floor, strategy } = found.policy;
  const { tokens, word_for_word, summarised, left_out } = found.context;
  const share = (n) => `${Math.min(100, (100 * n) / (budget * 1.15))}%`;
  return (
    <section class="gauge" aria-label="Budget">
      <p><strong>{number(tokens)}</strong> of {number(budget)} tokens of history <span class="dim">in the next request</span></p>
      <div class="meter" role="meter" aria-label="Tokens of the history" aria-valuemin={0} aria-valuemax={budget} aria-valuenow={Math.min(tokens, budget)} aria-valuetext={`${number(tokens)} of ${number(budget)} tokens`}>
        <span class={tokens > budget ? "fill over" : "fill"} style={{ width: share(tokens) }} />
        <span class="tick" style={{ left: share(floor) }}><span>floor {number(floor)}</span></span>
        <span class="tick" style={{ left: share(budget) }}><span>budget {number(budget)}</span></span>
      </div>
      <p>
        {posts(word_for_word)} word for word{summarised ? `, ${number(summarised)} in the summary` : ""}{left_out ? `, ${number(left_out)} left out` : ""} <span class="dim">· strategy: {strategy}</span>
      </p>
      <p class="dim">{ACTS[strategy]}</p>
    </section>
  );
}

function Money({ found }) {
  const { total, calls, costs } = found;
  const billed = calls.filter((each) => each.usage);
  const most = Math.max(...costs.map((each) => each.usd), 1e-9);
  const read = total.usage.input ? (100 * total.usage.read) / total.usage.input : 0;
  return (
    <>
      <p class="sum"><strong>{money(total.usd)}</strong> so far, for {total.requests} {total.requests === 1 ? "request" : "requests"}{total.unpriced ? ` (${total.unpriced} at an unknown price)` : ""}; {read.toFixed(0)} % of the input came from the cache.</p>
      {store.model.offline ? <p class="dim">Tokens as the emulated API counts them, at list prices: nobody was charged.</p> : null}
      <h3>The same conversation under other strategies</h3>
      {costs.length ? (
        <ul class="costs">
          {costs.map((each) => (
            <li key={each.strategy} class={each.current ? "current" : ""}>
              <span class="label">{each.strategy}{each.current ? " (now)" : ""}</span>
              <span class="track"><span style={{ width: `${(100 * each.usd) / most}%` }} /></span>
              <span class="usd">{money(each.usd)}</span>
              <span class="keeps dim">keeps {each.keeps}</span>
            </li>
          ))}
        </ul>
      ) : <p class="dim">Once there is an answer, and where the model's price is known.</p>}
      <p class="dim">Simulated from estimated tokens, on the posts' own clock.</p>
      <h3>Each request</h3>
      <div class="table" role="region" aria-label="Requests" tabIndex={0}>
        <table>
          <thead><tr><th>#</th><th>what</th><th>in</th><th>read</th><th>out</th><th>cost</th></tr></thead>
          <tbody>
            {billed.map((each) => (
              <tr key={each.number}>
                <td>{calls.indexOf(each) + 1}</td><td>{each.kind}</td><td>{number(each.usage.input)}</td>
                <td>{each.usage.input ? Math.round((100 * each.usage.read) / each.usage.input) : 0} %</td><td>{number(each.usage.output)}</td><td>{money(each.usd)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function Memory({ found }) {
  const [hits, setHits] = useState(null);
  const search = async (event) => {
    event.preventDefault();
    const query = new FormData(event.target).get("q");
    try {
      setHits((await get(`api/${store.side}/recall/${here()}?q=${encodeURIComponent(query)}`)).hits);
    } catch (error) {
      tell(error.message);
    }
  };
  return (
    <>
      <h3>Summary</h3>
      {found.summaries.length ? found.summaries.map((each) => (
        <section key={`${each.first_place}-${each.at}`} class="summary">
          <p class="dim">
            {each.ahead ? <><strong>Made ahead</strong> of {posts(each.posts)}, which are still sent word for word until the budget is passed</> : <><strong>Stands for</strong> {posts(each.posts)}</>}
            {" "}(places {each.first_place} to {each.last_place}); written by {each.model} at {clock(each.at)}.
          </p>
          <pre tabIndex={0}>{each.text}</pre>
        </section>
      )) : <p class="dim">Nothing has been summarised yet: Claude sees every post word for word. Past {number(found.policy.budget)} tokens the older ones give way to a summary.</p>}
      <h3>Recall</h3>
      <Recalled recalls={found.recalls} />
      <form class="recall" onSubmit={search}>
        <input name="q" type="search" aria-label="Search this conversation's log" placeholder="Search this conversation's log" required />
        <button type="submit">Search</button>
      </form>
      {hits ? (
        hits.length ? (
          <ol class="hits">
            {hits.map((each) => <li key={each.id}><p class="dim">{each.author_name || each.role} · {clock(each.sent_at)} · score {each.score.toPrecision(2)}</p><p>{each.text.slice(0, 300)}</p></li>)}
          </ol>
        ) : <p class="dim">Nothing found.</p>
      ) : <p class="dim">The full-text search over everything said here, summarised or not.</p>}
    </>
  );
}

function Rows({ found }) {
  return (
    <>
      {found?.conversation ? (
        <>
          <p class="dim">Conversation <code>{found.conversation}</code>, {found.posts} posts in the log.</p>
          <h3>Replies</h3>
          <div class="table" role="region" aria-label="Replies" tabIndex={0}>
            <table>
              <thead><tr><th>place</th><th>state</th><th>took</th><th>calls</th><th>note</th></tr></thead>
              <tbody>{found.replies.map((each) => <tr key={each.id}><td>{each.place}</td><td>{each.state}</td><td>{each.seconds === null ? "…" : `${each.seconds.toFixed(1)} s`}</td><td>{each.requests}</td><td>{each.note}</td></tr>)}</tbody>
            </table>
          </div>
          <h3>Posts</h3>
          <div class="table" role="region" aria-label="Posts" tabIndex={0}>
            <table>
              <thead><tr><th>#</th><th>who</th><th>text</th></tr></thead>
              <tbody>{found.rows.map((each) => <tr key={each.id}><td>{each.place ?? "…"}</td><td class="who">{each.role === "assistant" ? "bot" : each.author_name || each.author}</td><td>{each.text.slice(0, 120)}</td></tr>)}</tbody>
            </table>
          </div>
        </>
      ) : <p class="dim">The log holds nothing of {placeOf(here())?.name ?? "this place"} yet.</p>}
      <h3>What the bot's process says, newest first</h3>
      <ol class="lines" tabIndex={0} aria-label="Log lines of the bot">
        {store.lines.slice(-60).reverse().map((line, n) => {
          const { event, level, timestamp, ...rest } = line;
          return <li key={n} class={level}><span class="dim">{String(timestamp ?? "").slice(11, 19)}</span> <strong>{event}</strong> {Object.entries(rest).map(([name, value]) => `${name}=${typeof value === "object" ? JSON.stringify(value) : value}`).join(" ")}</li>;
        })}
      </ol>
    </>
  );
}
