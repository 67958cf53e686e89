// What the page knows, and how it hears of it. One object, one list of listeners.
import { useEffect, useState } from "preact/hooks";
import { recollect, remember } from "./tab.js";

export const store = {
  ready: false,
  connected: false,
  lost: false, // nobody answers
  side: "slack",
  sides: {},
  place: { slack: null, discord: null },
  person: { slack: null, discord: null },
  posts: new Map(), // "side|place" -> posts in order
  unread: new Set(), // "side|place"
  writing: { slack: {}, discord: {} },
  model: { label: "", offline: true },
  bot: { state: "starting" },
  policy: {},
  troubles: [],
  samples: [],
  words: {},
  reactions: [],
  replay: null,
  lines: [],
  inspected: null, // what the inspector shows, for the place it was asked for
  chosen: null, // the number of the request that is looked at
  request: null, // that one whole, as soon as it is read
  pane: "chat", // on a narrow screen: places, chat or inspector
  notice: "",
  said: "", // for screen readers
};

const listeners = new Set();
let queued = false;

// Tells the page to draw itself anew: with the next frame, or (what a person did) at once.
export function changed({ now = false } = {}) {
  if (now) {
    for (const listener of listeners) listener();
    return;
  }
  if (queued) return;
  queued = true;
  requestAnimationFrame(() => {
    queued = false;
    for (const listener of listeners) listener();
  });
}

export function useStore() {
  const [, again] = useState(0);
  useEffect(() => {
    const listener = () => again((n) => n + 1);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, []);
  return store;
}

export const key = (side, place) => `${side}|${place}`;
export const directory = () => store.sides[store.side] ?? { people: [], places: [], commands: [], bot: "" };
export const here = () => store.place[store.side];
export const me = () => store.person[store.side];
export const placeOf = (id, side = store.side) => store.sides[side]?.places.find((each) => each.id === id);
export const nameOf = (id) => directory().people.find((each) => each.id === id)?.name ?? "somebody";

async function asJson(answer) {
  if (!answer.ok) throw new Error((await answer.text()) || `refused (${answer.status})`);
  return answer.json();
}

function unanswered() {
  throw new Error("The playground does not answer. Does it still run?");
}

export const get = (path) => fetch(path).catch(unanswered).then(asJson);

// Does a deed on a side; what cannot be done is told in the notice line.
export async function act(deed, asked, side = store.side) {
  try {
    const answer = await fetch(`api/${side}/${deed}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(asked),
    }).catch(unanswered);
    return (await asJson(answer)).result;
  } catch (error) {
    tell(error.message);
    return undefined;
  }
}

let noticeTimer;
export function tell(text) {
  store.notice = text;
  clearTimeout(noticeTimer);
  noticeTimer = setTimeout(() => tell(""), 6000);
  changed();
}

export async function goTo(place, side = store.side) {
  store.side = side;
  store.place[side] = place;
  store.pane = "chat";
  store.unread.delete(key(side, place));
  store.inspected = null;
  store.chosen = store.request = null;
  remember(store);
  changed({ now: true });
  if (!store.posts.has(key(side, place))) await load(side, place);
  inspectSoon();
}

export function become(person) {
  store.person[store.side] = person;
  const place = placeOf(here());
  if (place?.person && place.person !== person) {
    const own = directory().places.find((each) => each.kind === "dm" && each.person === person);
    goTo(own?.id ?? directory().places[0]?.id);
  }
  remember(store);
  changed();
}

// What is heard of a place while it is fetched: what comes back may be older, so this is put on top of it.
const meanwhile = new Map(); // "side|place" -> events

async function load(side, place) {
  const at = key(side, place);
  meanwhile.set(at, []);
  try {
    const { posts } = await get(`api/${side}/posts/${place}`);
    store.posts.set(at, posts);
  } catch {
    store.posts.set(at, []);
  }
  const heard = meanwhile.get(at) ?? [];
  meanwhile.delete(at);
  for (const event of heard) applyTo(at, event);
  changed();
}

// Puts what an event says of one place into its list; whether there was anything.
function applyTo(at, { side, posts, gone }) {
  const list = store.posts.get(at);
  if (!list || !at.startsWith(`${side}|`)) return false;
  let other = false;
  for (const post of posts) {
    if (!post.places.some((place) => key(side, place) === at)) continue;
    put(list, post);
    other = true;
  }
  for (const each of gone) {
    const id = each.slice(each.indexOf("/") + 1);
    const index = list.findIndex((post) => post.id === id);
    if (index < 0) continue;
    list.splice(index, 1);
    other = true;
  }
  return other;
}

const before = (a, b) => a.at - b.at || (a.id.length - b.id.length) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

function put(list, post) {
  let at = list.length;
  while (at > 0 && before(list[at - 1], post) > 0) at -= 1;
  if (at > 0 && list[at - 1].id === post.id) list[at - 1] = post;
  else list.splice(at, 0, post);
}

function hearPosts(event) {
  const { side, posts, writing } = event;
  store.writing[side] = writing;
  for (const heard of meanwhile.values()) heard.push(event);
  for (const [at, list] of store.posts) if (applyTo(at, event)) store.posts.set(at, [...list]);
  for (const post of posts) {
    for (const place of post.places) {
      const at = key(side, place);
      if (!(side === store.side && place === here()) && post.author !== store.person[side]) store.unread.add(at);
    }
    if (side === store.side && post.places.includes(here()) && post.author === directory().bot && !post.growing)
      store.said = `Threadmate: ${post.text.slice(0, 300)}`;
  }
  changed();
  if (side === store.side) inspectSoon();
}

let inspecting;
export function inspectSoon() {
  clearTimeout(inspecting);
  inspecting = setTimeout(inspect, 250);
}

async function inspect() {
  const side = store.side;
  const place = here();
  if (!place) return;
  try {
    const found = await get(`api/${side}/inspect/${place}`);
    if (side !== store.side || place !== here()) return;
    const newest = store.inspected?.calls?.at(-1)?.number;
    store.inspected = found;
    const calls = found.calls ?? [];
    const follows = store.chosen === newest || !calls.some((each) => each.number === store.chosen);
    if (!calls.some((each) => each.kind === "answer")) store.chosen = store.request = null;
    else await showRequest(follows ? calls.at(-1).number : store.chosen);
  } catch {
    return; // what was found last still holds
  }
  changed();
}

// Of two that are asked for at the same time the later one is shown, whichever is read first.
export async function showRequest(number) {
  store.chosen = number;
  try {
    const found = await get(`api/requests/${number}`);
    if (store.chosen !== number) return;
    store.request = found;
  } catch (error) {
    tell(error.message);
  }
  changed();
}

async function start() {
  const state = await get("api/state");
  Object.assign(store, {
    sides: state.sides,
    model: state.model,
    bot: state.bot,
    policy: state.policy,
    troubles: state.troubles,
    samples: state.samples,
    words: state.words,
    reactions: state.reactions,
    replay: state.replay,
    lines: state.lines,
    writing: { slack: {}, discord: {}, ...state.writing },
  });
  if (!store.ready) recollect(store);
  for (const side of Object.keys(state.sides)) {
    const people = state.sides[side].people.filter((each) => !each.bot);
    const places = state.sides[side].places;
    if (!people.some((each) => each.id === store.person[side])) store.person[side] = people[0]?.id;
    if (!places.some((each) => each.id === store.place[side])) store.place[side] = places[0]?.id;
  }
  store.posts.clear();
  store.ready = true;
  changed();
  await load(store.side, here());
  inspectSoon();
}

export function listen() {
  const source = new EventSource("api/events");
  const on = (kind, hear) =>
    source.addEventListener(kind, (event) => {
      hear(JSON.parse(event.data));
      changed();
    });
  source.onopen = () => {
    if (!store.connected) start().catch((error) => tell(error.message));
    store.connected = true;
    store.lost = false;
    changed();
  };
  source.onerror = () => {
    store.connected = false;
    store.lost = true;
    changed();
  };
  on("posts", hearPosts);
  on("directory", ({ side, directory: found }) => {
    store.sides[side] = found;
    if (side === store.side && !placeOf(here())) goTo(found.places[0]?.id);
  });
  on("bot", (bot) => {
    store.bot = bot;
  });
  on("line", (line) => {
    store.lines = [...store.lines.slice(-149), line];
  });
  on("calls", () => inspectSoon());
  on("replay", (progress) => {
    store.replay = progress;
  });
}
