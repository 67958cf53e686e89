// Where one is and as whom, for the next load of this tab; another tab is somewhere else.
export function remember(store) {
  try {
    const { side, place, person } = store;
    sessionStorage.setItem("playground", JSON.stringify({ side, place, person }));
  } catch {
    /* private windows may refuse */
  }
}

export function recollect(store) {
  try {
    const { side, place, person } = JSON.parse(sessionStorage.getItem("playground") ?? "{}");
    if (store.sides[side]) store.side = side;
    Object.assign(store.place, place);
    Object.assign(store.person, person);
  } catch {
    /* as if it were the first time */
  }
}
