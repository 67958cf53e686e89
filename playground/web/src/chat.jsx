// The workspace: where one is and what stands there.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { act, become, directory, goTo, here, key, me, nameOf, placeOf, store } from "./store.js";
import { Composer } from "./composer.jsx";
import { VirtualList } from "./list.jsx";
import { Text, typed } from "./text.jsx";

const TOGETHER = 300; // seconds in which posts of one person stand under one name

export function Places() {
  const { people, places } = directory();
  const own = places.filter((each) => each.kind === "dm" && each.person === me());
  const channels = places.filter((each) => each.kind === "channel");
  const threads = (parent) => places.filter((each) => each.kind === "thread" && each.parent === parent).slice(-8);
  const ask = async (what, deed) => {
    const name = prompt(`Name of the ${what}`);
    if (name?.trim()) await act(deed, { name });
  };
  const item = (place, label) => {
    const unread = store.unread.has(key(store.side, place.id));
    return (
      <li key={place.id}>
        <button
          type="button"
          class={`place ${place.kind} ${unread ? "unread" : ""}`}
          aria-current={place.id === here() ? "page" : undefined}
          onClick={() => goTo(place.id)}
        >
          <span class="sign" aria-hidden="true">{place.kind === "thread" ? "↳" : place.kind === "dm" ? "●" : "#"}</span>
          <span class="name">{label}</span>
          {unread ? <span class="sr">, unread</span> : null}
        </button>
        {place.kind !== "thread" && threads(place.id).length ? <ul>{threads(place.id).map((each) => item(each, each.name))}</ul> : null}
      </li>
    );
  };
  return (
    <nav class="places" aria-label="Channels and messages">
      <label class="person">
        <span>You are</span>
        <select value={me()} onChange={(event) => become(event.target.value)}>
          {people.filter((each) => !each.bot).map((each) => <option key={each.id} value={each.id}>{each.name}</option>)}
        </select>
      </label>
      <button type="button" class="quiet add" onClick={() => ask("person", "person")}>+ Add a person</button>
      <h2>Channels</h2>
      <ul>{channels.map((each) => item(each, each.name))}</ul>
      <button type="button" class="quiet add" onClick={() => ask("channel", "channel")}>+ Add a channel</button>
      <h2>Direct messages</h2>
      <ul>{own.map((each) => item(each, each.name))}</ul>
    </nav>
  );
}

export function Chat() {
  const place = placeOf(here());
  const parent = place?.parent && placeOf(place.parent);
  const posts = (store.posts.get(key(store.side, here())) ?? []).filter((post) => !post.only || post.only === me());
  const [editing, setEditing] = useState(null);
  useEffect(() => setEditing(null), [here(), store.side]);
  const editLast = () => {
    const mine = posts.findLast((post) => post.author === me() && !post.only);
    if (mine) setEditing(mine.id);
  };
  const title = place ? (place.kind === "channel" ? `#${place.name}` : place.name) : "new thread";
  return (
    <section class="chat" aria-label={`Conversation: ${title}`}>
      <header class="bar">
        <h1>
          {parent ? <button type="button" class="crumb" onClick={() => goTo(parent.id)}>{parent.kind === "dm" ? "Direct message" : `#${parent.name}`}</button> : null}
          {parent ? <span aria-hidden="true" class="step">›</span> : null}
          <span class="title">{title}</span>
        </h1>
      </header>
      {posts.length ? (
        <VirtualList
          at={key(store.side, here())}
          items={posts}
          identify={(post) => post.id}
          label={`Posts in ${title}`}
          render={(post, above) => (
            <Post key={post.id} post={post} above={above} editing={editing === post.id} edit={(on) => setEditing(on ? post.id : null)} />
          )}
        />
      ) : (
        <Empty />
      )}
      <Writing />
      <Composer key={key(store.side, here())} at={key(store.side, here())} editLast={editLast} where={place?.kind === "channel" ? `in ${title}` : place?.kind === "dm" ? `to ${title}` : "in this thread"} />
    </section>
  );
}

function Empty() {
  const place = placeOf(here());
  const say = place?.kind === "dm" ? "Hello! What can you do?" : "@Threadmate hello! What do you see of this conversation?";
  return (
    <div class="list empty">
      <div>
        <p class="big">Nothing here yet.</p>
        <p>{place?.kind === "dm" ? "Write to the bot; it answers every post here." : "Mention the bot; it answers in a thread and stays in it."}</p>
        <button type="button" class="primary" onClick={() => act("post", { place: here(), user: me(), text: say })}>Say “{say}”</button>
      </div>
    </div>
  );
}

function Post({ post, above, editing, edit }) {
  const own = post.author === me();
  const bot = post.author === directory().bot;
  const together = above && above.author === post.author && post.at - above.at < TOGETHER && !above.only === !post.only && !post.notice && !post.asked;
  const name = bot ? "Threadmate" : nameOf(post.author);
  const time = new Date(post.at * 1000);
  const inThread = placeOf(here())?.kind === "thread" || !placeOf(here());
  const [picking, setPicking] = useState(false);
  const picker = useRef(null);
  const closePicker = () => {
    setPicking(false);
    picker.current?.focus(); // what had it is gone
  };
  const react = async (sign) => {
    closePicker();
    await act("react", { place: here(), user: me(), id: post.id, sign });
  };
  const startThread = async () => {
    const place = await act("thread", { place: here(), id: post.id, user: me() });
    if (place) goTo(place);
  };
  return (
    <div class={`post ${bot ? "bot" : ""} ${together ? "together" : ""} ${post.only ? "private" : ""} ${post.notice ? "notice" : ""}`}>
      <span class={`face c${hue(name)}`} aria-hidden="true">{together ? "" : bot ? "T" : name.slice(0, 1)}</span>
      <div class="what">
        <div class={together ? "head sr" : "head"} id={`who-${post.id}`}>
          <strong>{name}</strong>
          {bot ? <span class="badge">APP</span> : null}
          <time dateTime={time.toISOString()}>{time.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}</time>
          {post.only ? <span class="only">only you see this</span> : null}
        </div>
        {post.asked ? <p class="asked">{nameOf(post.only)} used <code>{post.asked}</code></p> : null}
        {editing ? <Edit post={post} done={() => edit(false)} /> : <Text text={post.text} format={post.format} />}
        {post.edited && !editing ? <span class="edited">(edited)</span> : null}
        {post.growing ? <span class="caret" role="img" aria-label="still being written" /> : null}
        {post.files.map((file) => <File key={file.url} file={file} />)}
        {post.buttons.length ? (
          <div class="buttons">
            {post.buttons.map((each) => (
              <button type="button" key={each.id} aria-label={each.name} onClick={() => act("press", { place: here(), user: me(), id: post.id, button: each.id })}>{each.label}</button>
            ))}
          </div>
        ) : null}
        {post.reactions.length ? <div class="reactions">{post.reactions.map(([sign, words, count]) => <span key={sign}><span aria-hidden="true">{sign} {count}</span><span class="sr">{words}, {count} {count === 1 ? "person" : "people"}</span></span>)}</div> : null}
        {post.thread && post.thread.place !== here() ? (
          <button type="button" class="replies" onClick={() => goTo(post.thread.place)}>
            {post.thread.posts} {post.thread.posts === 1 ? "reply" : "replies"} <span aria-hidden="true">→</span>
            {store.writing[store.side][post.thread.place] ? <span class="soon">Threadmate {store.writing[store.side][post.thread.place]}</span> : null}
          </button>
        ) : null}
      </div>
      {!post.only && !post.notice ? (
        <div class="tools" onKeyDown={(event) => picking && event.key === "Escape" && closePicker()}>
          {picking ? store.reactions.map((each) => <button type="button" key={each.sign} onClick={() => react(each.sign)} aria-label={`React with ${each.words}`} title={each.words}>{each.sign}</button>) : null}
          <button type="button" ref={picker} onClick={() => setPicking(!picking)} aria-expanded={picking} aria-label="Add a reaction" title="Add a reaction">☺</button>
          {!inThread ? <button type="button" onClick={startThread} aria-label="Reply in a thread" title="Reply in a thread">↳</button> : null}
          {own ? <button type="button" onClick={() => edit(true)} aria-label="Edit this post" title="Edit">✎</button> : null}
          {own ? <button type="button" onClick={() => act("delete", { place: here(), id: post.id })} aria-label="Delete this post" title="Delete">✕</button> : null}
        </div>
      ) : null}
    </div>
  );
}

const hue = (name) => [...name].reduce((sum, each) => sum + each.codePointAt(0), 0) % 6;

function Edit({ post, done }) {
  const field = useRef(null);
  // At once: later, what somebody quick has typed or marked by then would be disturbed.
  useLayoutEffect(() => {
    const node = field.current;
    node.focus();
    node.setSelectionRange(node.value.length, node.value.length);
  }, []);
  const save = async () => {
    const text = field.current.value.trim();
    const refused = text && text !== typed(post.text) && (await act("edit", { place: here(), id: post.id, text })) === undefined;
    if (!refused) done(); // else what was written stays
  };
  const onKeyDown = (event) => {
    if (event.key === "Escape") done();
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      save();
    }
    event.stopPropagation();
  };
  return (
    <div class="edit">
      <textarea ref={field} rows={3} aria-label="Edit this post" defaultValue={typed(post.text)} onKeyDown={onKeyDown} />
      <button type="button" class="primary" onClick={save}>Save</button>
      <button type="button" class="quiet" onClick={done}>Cancel</button>
    </div>
  );
}

function File({ file }) {
  const picture = /^image\/(png|jpeg|gif|webp)$/.test(file.media_type);
  const size = file.size < 1024 ? `${file.size} B` : file.size < 1024 * 1024 ? `${Math.round(file.size / 1024)} kB` : `${(file.size / 1024 / 1024).toFixed(1)} MB`;
  return (
    <a class="file" href={file.url} download={picture ? undefined : file.name} target={picture ? "_blank" : undefined} rel="noreferrer">
      {picture ? <img src={file.url} alt={file.name} loading="lazy" /> : <span class="paper" aria-hidden="true">▤</span>}
      <span>{file.name} <small>{size}</small></span>
    </a>
  );
}

function Writing() {
  const here_ = store.writing[store.side][here()];
  return (
    <div class="writing">
      {here_ ? (
        <>
          <span class="dots" aria-hidden="true"><i /><i /><i /></span> Threadmate {here_}
          <button type="button" class="quiet" onClick={() => act("stop", { place: here(), user: me() })}>Stop</button>
        </>
      ) : null}
    </div>
  );
}
