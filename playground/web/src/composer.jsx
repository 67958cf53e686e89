// The box where one writes: completion, files, commands.
import { useRef, useState } from "preact/hooks";
import { act, directory, here, me, nameOf, store, tell } from "./store.js";

const MOST_FILE = 8 * 1024 * 1024;
const EMPTY = { text: "", files: [] };
const drafts = new Map(); // place -> what was begun there and not sent: it waits until one comes back

export function Composer({ at, editLast, where }) {
  const field = useRef(null);
  const chooser = useRef(null);
  const [{ text, files }, setDraft] = useState(() => drafts.get(at) ?? EMPTY);
  const write = (change) => {
    const old = drafts.get(at) ?? EMPTY;
    drafts.set(at, { ...old, ...change(old) });
    setDraft(drafts.get(at));
  };
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
    write(() => ({ text: value }));
    setOffer(null);
    requestAnimationFrame(() => {
      const caret = offer.from + choice.insert.length;
      node.focus();
      node.setSelectionRange(caret, caret);
    });
  };
  const add = async (list) => {
    const read = await Promise.all([...list].map(readFile));
    write((old) => ({ files: [...old.files, ...read.filter(Boolean)] }));
  };
  const send = async () => {
    const words = field.current.value.trim();
    const taken = files;
    if (!words && !taken.length) return;
    write(() => EMPTY);
    setOffer(null);
    const slash = /^\/(\w+)(?:\s+([\s\S]*))?$/.exec(words);
    const known = store.side === "discord" ? directory().commands.map((each) => each.name) : Object.keys(store.words);
    const asked = slash && known.includes(slash[1])
      ? act("command", { place: here(), user: me(), word: slash[1], argument: slash[2] ?? "" })
      : act("post", { place: here(), user: me(), text: words, files: taken });
    if ((await asked) !== undefined) return;
    // Refused: it stands there again, unless something else was begun by now.
    write((now) => ({ text: now.text || words, files: now.files.length ? now.files : taken }));
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
            <li key={n}>{file.name} <button type="button" aria-label={`Leave out ${file.name}`} onClick={() => write((old) => ({ files: old.files.filter((_, m) => m !== n) }))}>✕</button></li>
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
            const written = event.target.value;
            write(() => ({ text: written }));
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
