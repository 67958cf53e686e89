// The workspace: where one is, what stands there, and what one writes.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { act, become, directory, goTo, here, key, me, nameOf, placeOf, store, tell } from "./store.js";
import { VirtualList } from "./list.jsx";
import { Text, typed } from "./text.jsx";

const MOST_FILE = 8 * 1024 * 1024;
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
      <Composer key={key(store.side, here())} editLast={editLast} where={place?.kind === "channel" ? `in ${title}` : place?.kind === "dm" ? `to ${title}` : "in this thread"} />
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

// What may be completed at the caret: people after @, commands after / or !.
function completions(text, caret) {
  const before = text.slice(0, caret);
  const mention = /(?:^|\s)@([\w ]{0,20})$/.exec(before);
  if (mention) {
    const begun = mention[1].toLowerCase();
    const found = directory().people.filter((each) => each.name.toLowerCase().startsWith(begun));
    return { from: caret - mention[1].length - 1, found: found.map((each) => ({ insert: `@${each.name} `, label: `@${each.name}`, hint: each.bot ? "the bot" : "" })) };
  }
  const command = /(?:^|\s)([!/])(\w*)$/.exec(before);
  if (!command || (command[1] === "/" && before.trim() !== command[0].trim())) return null;
  const known = command[1] === "!" ? Object.entries(store.words).map(([name, description]) => ({ name, description })) : directory().commands;
  const found = known.filter((each) => each.name.startsWith(command[2]));
  return { from: caret - command[2].length - 1, found: found.map((each) => ({ insert: `${command[1]}${each.name} `, label: `${command[1]}${each.name}`, hint: each.description })) };
}

function Composer({ editLast, where }) {
  const field = useRef(null);
  const chooser = useRef(null);
  const [text, setText] = useState("");
  const [files, setFiles] = useState([]);
  const [offer, setOffer] = useState(null);
  const [chosen, setChosen] = useState(0);

  const look = (value, caret) => {
    const found = completions(value, caret);
    setOffer(found?.found.length ? found : null);
    setChosen(0);
  };
  const take = (choice) => {
    const node = field.current;
    const value = text.slice(0, offer.from) + choice.insert + text.slice(node.selectionStart);
    setText(value);
    setOffer(null);
    requestAnimationFrame(() => {
      const caret = offer.from + choice.insert.length;
      node.focus();
      node.setSelectionRange(caret, caret);
    });
  };
  const add = async (list) => {
    const read = await Promise.all([...list].map(readFile));
    setFiles((old) => [...old, ...read.filter(Boolean)]);
  };
  const send = async () => {
    const words = field.current.value.trim();
    const taken = files;
    if (!words && !taken.length) return;
    setText("");
    setFiles([]);
    setOffer(null);
    const slash = /^\/(\w+)(?:\s+([\s\S]*))?$/.exec(words);
    const known = store.side === "discord" ? directory().commands.map((each) => each.name) : Object.keys(store.words);
    const asked = slash && known.includes(slash[1])
      ? act("command", { place: here(), user: me(), word: slash[1], argument: slash[2] ?? "" })
      : act("post", { place: here(), user: me(), text: words, files: taken });
    if ((await asked) !== undefined) return;
    // Refused: it stands there again, unless something else was begun by now.
    setText((now) => now || words);
    setFiles((now) => (now.length ? now : taken));
  };
  const onKeyDown = (event) => {
    if (offer && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      setChosen((chosen + step + offer.found.length) % offer.found.length);
    } else if (offer && (event.key === "Tab" || event.key === "Enter") && !event.shiftKey) {
      event.preventDefault();
      take(offer.found[chosen]);
    } else if (event.key === "Escape") setOffer(null);
    else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      send();
    } else if (event.key === "ArrowUp" && !text) {
      event.preventDefault();
      editLast();
    }
  };
  return (
    <div
      class="composer"
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        add(event.dataTransfer.files);
      }}
    >
      {offer ? (
        <ul class="offer" role="listbox" id="offer" aria-label="Completions">
          {offer.found.map((each, n) => (
            <li key={each.label} id={`offer-${n}`} role="option" aria-selected={n === chosen} onMouseDown={(event) => { event.preventDefault(); take(each); }}>
              <strong>{each.label}</strong> <span>{each.hint}</span>
            </li>
          ))}
        </ul>
      ) : null}
      {files.length ? (
        <ul class="picked" aria-label="Files to send">
          {files.map((file, n) => (
            <li key={n}>{file.name} <button type="button" aria-label={`Leave out ${file.name}`} onClick={() => setFiles(files.filter((_, at) => at !== n))}>✕</button></li>
          ))}
        </ul>
      ) : null}
      <div class="write">
        <button type="button" class="icon" aria-label="Add files" title="Add files" onClick={() => chooser.current.click()}>+</button>
        <input type="file" multiple hidden ref={chooser} onChange={(event) => { add(event.target.files); event.target.value = ""; }} />
        <textarea
          ref={field}
          rows={Math.min(8, text.split("\n").length)}
          value={text}
          placeholder={`Write ${where} as ${nameOf(me())}`}
          aria-label={`Write ${where} as ${nameOf(me())}`}
          role="combobox"
          aria-autocomplete="list"
          aria-expanded={Boolean(offer)}
          aria-controls="offer"
          aria-activedescendant={offer ? `offer-${chosen}` : undefined}
          onInput={(event) => {
            setText(event.target.value);
            look(event.target.value, event.target.selectionStart);
          }}
          onKeyDown={onKeyDown}
          onPaste={(event) => event.clipboardData?.files?.length && add(event.clipboardData.files)}
          onBlur={() => setOffer(null)}
        />
        <button type="button" class="primary send" onClick={send} disabled={!text.trim() && !files.length}>Send</button>
      </div>
      <p class="hint">Enter sends, Shift+Enter breaks the line. <kbd>@</kbd> mentions, {store.side === "discord" ? <><kbd>/</kbd> or <kbd>!</kbd></> : <kbd>!</kbd>} commands, ↑ edits your last post.</p>
    </div>
  );
}

function readFile(file) {
  if (file.size > MOST_FILE) {
    tell(`${file.name} is larger than 8 MB.`);
    return null;
  }
  return new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve({ name: file.name, type: file.type || "application/octet-stream", data: String(reader.result).split(",")[1] ?? "" });
    reader.onerror = () => resolve(null);
    reader.readAsDataURL(file);
  });
}
