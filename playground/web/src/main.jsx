import { render } from "preact";
import { useState } from "preact/hooks";
import { changed, goTo, listen, store, tell, useStore } from "./store.js";
import { Chat, Places } from "./chat.jsx";
import { Inspector } from "./inspector.jsx";
import { Load, Replaying, Trouble } from "./panels.jsx";

const NAMES = { slack: "Slack", discord: "Discord" };
const BOT = { running: "the bot is running", starting: "the bot is starting", ended: "the bot is not running" };

function App() {
  const { ready, side, bot, model, pane, notice, said, lost } = useStore();
  const [open, setOpen] = useState("");
  if (!ready) return <p class="loading" role="status">{lost ? "The playground does not answer. Does it still run? Trying again…" : notice || "Connecting…"}</p>;
  const ask = (dialog) => {
    tell(""); // what was told before is not about it
    setOpen(dialog);
  };
  const show = (name) => {
    store.pane = name;
    changed();
  };
  return (
    <div class={`app ${side} show-${pane}`}>
      <a class="skip" href="#main">Skip to the conversation</a>
      <header class="top">
        <p class="brand"><img src="static/icon.svg" alt="" width="24" height="24" /> Threadmate <span>playground</span></p>
        <div class="sides" role="group" aria-label="Platform">
          {Object.entries(NAMES).map(([id, name]) => (
            <button type="button" key={id} aria-pressed={side === id} onClick={() => goTo(store.place[id], id)}>{name}</button>
          ))}
        </div>
        <p class="facts">
          <span class={model.offline ? "chip offline" : "chip good"} title={model.note}>{model.label}</span>
          <span class={`chip bot-${lost ? "ended" : bot.state}`} role="status"><i aria-hidden="true" />{lost ? "the playground does not answer" : BOT[bot.state]}</span>
        </p>
        <div class="actions">
          <button type="button" aria-label="Load a conversation" onClick={() => ask("load")}>Load<span class="more"> a conversation</span></button>
          <button type="button" onClick={() => ask("trouble")}>Trouble</button>
          <Theme />
        </div>
      </header>
      <nav class="panes" aria-label="Views">
        {[["places", "Places"], ["chat", "Chat"], ["inspector", "Inspector"]].map(([id, label]) => (
          <button type="button" key={id} aria-pressed={pane === id} onClick={() => show(id)}>{label}</button>
        ))}
      </nav>
      <Places />
      <main id="main" tabIndex={-1}>
        <Replaying />
        <Chat key={side} />
      </main>
      <Inspector />
      <Trouble open={open === "trouble"} close={() => setOpen("")} />
      <Load open={open === "load"} close={() => setOpen("")} />
      <div class={notice ? "toast on" : "toast"} role="status">{notice}</div>
      <div class="sr" aria-live="polite">{said}</div>
    </div>
  );
}

const THEMES = ["auto", "light", "dark"];

function Theme() {
  const [theme, setTheme] = useState(read);
  document.documentElement.dataset.theme = theme;
  const next = () => {
    const chosen = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    try {
      localStorage.setItem("theme", chosen);
    } catch {
      tell("The browser did not keep this choice.");
    }
    setTheme(chosen);
  };
  return <button type="button" class="icon" onClick={next} aria-label={`Colours: ${theme}. Change`} title={`Colours: ${theme}`}>{theme === "dark" ? "☾" : theme === "light" ? "☀" : "◐"}</button>;
}

function read() {
  try {
    const kept = localStorage.getItem("theme");
    return THEMES.includes(kept) ? kept : "auto";
  } catch {
    return "auto";
  }
}

render(<App />, document.getElementById("app"));
listen();
