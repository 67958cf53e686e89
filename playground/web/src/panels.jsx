// Two dialogs: causing trouble, and loading a conversation.
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { act, directory, goTo, here, placeOf, store, tell } from "./store.js";

const PLACES = { model: "The model", platform: "The platform", bot: "The bot's process" };
const SPEEDS = [
  ["1", "1 post a second"],
  ["4", "4 posts a second"],
  ["20", "20 posts a second"],
  ["", "as fast as it goes"],
];

// What was done is told inside: what stands on the page is behind the dialog, and hidden from who hears it.
function Dialog({ open, close, title, children }) {
  const node = useRef(null);
  const id = useId();
  useEffect(() => {
    if (open && !node.current.open) node.current.showModal();
    if (!open && node.current.open) node.current.close();
  }, [open]);
  const shut = () => node.current.close(); // at once: what is typed next is for the page below
  return (
    <dialog ref={node} onClose={close} onClick={(event) => event.target === node.current && shut()} aria-labelledby={id}>
      <div class="inside">
        <header><h2 id={id}>{title}</h2><button type="button" class="icon" aria-label="Close" onClick={shut}>✕</button></header>
        {open ? children : null}
        {open ? <p class="told" role="status">{store.notice}</p> : null}
      </div>
    </dialog>
  );
}

export function Trouble({ open, close }) {
  const cause = async (kind) => {
    if ((await act("trouble", { id: kind.id })) !== undefined) tell(`${kind.label}: ${kind.done} ${kind.expect}`);
  };
  return (
    <Dialog open={open} close={close} title="Trouble on demand">
      <p>Cause it, then write something, and watch the bot recover. What concerns a platform happens on {store.side === "slack" ? "Slack" : "Discord"}, the side you look at.</p>
      {Object.entries(PLACES).map(([where, label]) => (
        <section key={where}>
          <h3>{label}</h3>
          <ul class="troubles">
            {store.troubles.filter((each) => each.where === where).map((each) => (
              <li key={each.id}>
                <button type="button" disabled={(each.id === "kill" && store.bot.state === "ended") || (each.id === "start" && store.bot.state !== "ended")} onClick={() => cause(each)} aria-describedby={`does-${each.id}`}>{each.label}</button>
                <p id={`does-${each.id}`}>{each.does} <span class="dim">{each.expect}</span></p>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </Dialog>
  );
}

export function Load({ open, close }) {
  const [text, setText] = useState(null);
  const [what, setWhat] = useState("");
  const [speed, setSpeed] = useState("4");
  const [ask, setAsk] = useState(true);
  const channels = directory().places.filter((each) => each.kind === "channel");
  const [channel, setChannel] = useState(null);
  const current = placeOf(here());
  const chosen = channel ?? (current?.kind === "channel" ? current.id : channels[0]?.id);
  const read = (event) => {
    const file = event.target.files[0];
    if (!file) return;
    const reader = new FileReader();
    reader.onload = () => {
      setText(String(reader.result));
      setWhat("file");
    };
    reader.readAsText(file);
  };
  const start = async () => {
    const asked = { place: chosen, ask, per_second: speed ? Number(speed) : null };
    const source = what === "file" && text ? { text } : { sample: what || store.samples[0]?.id };
    if ((await act("replay", { ...asked, ...source })) !== undefined) {
      close();
      goTo(chosen);
    }
  };
  return (
    <Dialog open={open} close={close} title="Load a conversation">
      <p>Its people post it again; the bot answers anew. Watch the budget fill, and the summary take over.</p>
      <fieldset>
        <legend>Conversation</legend>
        {store.samples.map((each, n) => (
          <label key={each.id}><input type="radio" name="what" checked={what === each.id || (!what && n === 0)} onChange={() => setWhat(each.id)} /> {each.title}</label>
        ))}
        <label><input type="radio" name="what" checked={what === "file"} onChange={() => setWhat("file")} /> A file that <code>python -m bot export</code> wrote</label>
        {what === "file" ? <input type="file" accept=".jsonl,.json,.txt" aria-label="Exported file" onChange={read} /> : null}
      </fieldset>
      <div class="row2">
        <label>Into <select value={chosen} onChange={(event) => setChannel(event.target.value)}>{channels.map((each) => <option key={each.id} value={each.id}>#{each.name}</option>)}</select></label>
        <label>Speed <select value={speed} onChange={(event) => setSpeed(event.target.value)}>{SPEEDS.map(([value, label]) => <option key={value} value={value}>{label}</option>)}</select></label>
      </div>
      <label><input type="checkbox" checked={ask} onChange={(event) => setAsk(event.target.checked)} /> The first post mentions the bot</label>
      <p><button type="button" class="primary" onClick={start} disabled={what === "file" && !text}>Load it</button></p>
    </Dialog>
  );
}

export function Replaying() {
  const { replay } = store;
  if (!replay || replay.state === "gone") return null;
  const going = replay.state === "running";
  return (
    <div class="replaying" role="status">
      <progress max={replay.posts} value={replay.posted} aria-label="Posts loaded" />
      <span>{replay.posted} of {replay.posts} posts{going ? "" : `, ${replay.state}`}</span>
      {replay.side === store.side && replay.place !== here() ? <button type="button" class="quiet" onClick={() => goTo(replay.place, replay.side)}>Look</button> : null}
      {going ? <button type="button" class="quiet" onClick={() => act("stop-replay", {})}>Stop</button> : <button type="button" class="quiet" aria-label="Dismiss" onClick={() => { store.replay = null; goTo(here()); }}>✕</button>}
    </div>
  );
}
