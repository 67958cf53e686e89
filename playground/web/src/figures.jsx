// What several parts of the inspector show alike.

export const number = (n) => Math.round(n).toLocaleString("en-GB");
export const money = (usd) => (usd === null || usd === undefined ? "price unknown" : usd === 0 ? "$0" : usd < 0.01 ? `$${usd.toFixed(5)}` : `$${usd.toFixed(4)}`);
export const clock = (at) => new Date(at * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
export const posts = (n) => `${number(n)} ${n === 1 ? "post" : "posts"}`;

export function Nothing() {
  return <p class="nothing">As soon as the bot takes part in this conversation, its requests stand here: what was sent, what came from the cache, and what it cost.</p>;
}

// What Claude asked of the older posts while it wrote, and what came back.
export function Recalled({ recalls }) {
  return recalls.map((each) => (
    <section key={each.id} class="recalled" aria-label={`Recall: ${each.query || each.file}`}>
      <p><strong>Claude asked:</strong> {each.query}{each.file ? ` (file ${each.file})` : ""}</p>
      {each.posts.length ? (
        <ol class="hits">
          {each.posts.map((post, n) => <li key={n}><p class="dim">{post.by} · {post.at}</p><p>{post.text.slice(0, 300)}</p></li>)}
        </ol>
      ) : <p class="dim">{each.failed ? "It failed: " : ""}{each.text.slice(0, 600)}</p>}
    </section>
  ));
}
