// A list of thousands of posts of which only those in view stand in the document.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

const GUESS = 64; // pixels of a post that was never shown
const BEYOND = 600; // pixels kept ready above and below

export function VirtualList({ items, identify, render, label, at }) {
  const box = useRef(null);
  const heights = useRef(new Map());
  const bottom = useRef(true);
  const [view, setView] = useState({ top: 0, height: 800 });
  const [, measured] = useState(0);
  const [focused, setFocused] = useState(null);
  const observer = useRef(null);

  if (!observer.current && typeof ResizeObserver !== "undefined")
    observer.current = new ResizeObserver((entries) => {
      let other = false;
      for (const entry of entries) {
        const id = entry.target.dataset.id;
        const height = entry.target.offsetHeight;
        if (id && height && heights.current.get(id) !== height) {
          heights.current.set(id, height);
          other = true;
        }
      }
      if (other) measured((n) => n + 1);
    });

  const tops = new Float64Array(items.length + 1);
  for (let n = 0; n < items.length; n += 1) tops[n + 1] = tops[n] + (heights.current.get(identify(items[n])) ?? GUESS);
  const total = tops[items.length];
  let from = search(tops, view.top - BEYOND);
  let to = Math.min(items.length, search(tops, view.top + view.height + BEYOND) + 1);
  if (bottom.current) {
    from = search(tops, total - view.height - BEYOND);
    to = items.length;
  }

  const look = () => {
    const node = box.current;
    if (!node) return;
    bottom.current = node.scrollHeight - node.scrollTop - node.clientHeight < 40;
    setView({ top: node.scrollTop, height: node.clientHeight });
  };

  useEffect(() => {
    bottom.current = true;
    setFocused(null);
    look();
  }, [at]);
  useLayoutEffect(() => {
    const node = box.current;
    if (node && bottom.current) node.scrollTop = node.scrollHeight;
  });
  useEffect(() => {
    const node = box.current;
    const sizes = new ResizeObserver(() => {
      if (bottom.current) node.scrollTop = node.scrollHeight;
      setView((old) => ({ ...old, height: node.clientHeight }));
    });
    sizes.observe(node);
    return () => sizes.disconnect();
  }, []);

  const move = (event) => {
    if (!event.target.dataset?.id) return;
    const now = items.findIndex((item) => identify(item) === event.target.dataset.id);
    const next = { ArrowDown: now + 1, ArrowUp: now - 1, Home: 0, End: items.length - 1 }[event.key];
    if (next === undefined || !items[next]) return;
    event.preventDefault();
    bottom.current = next === items.length - 1;
    const id = identify(items[next]);
    setFocused(id);
    const node = box.current;
    if (tops[next] < node.scrollTop || tops[next + 1] > node.scrollTop + node.clientHeight) node.scrollTop = Math.max(0, tops[next] - 80);
    look();
    requestAnimationFrame(() => requestAnimationFrame(() => node.querySelector(`[data-id="${CSS.escape(id)}"]`)?.focus()));
  };

  const entry = focused ?? (items.length ? identify(items[items.length - 1]) : null);
  return (
    <div class="list" ref={box} onScroll={look} onKeyDown={move} role="feed" aria-label={label} tabIndex={items.length ? -1 : 0}>
      <div class="rail" style={{ height: `${total}px` }}>
        <div class="window" style={{ transform: `translateY(${tops[from] ?? 0}px)` }}>
          {items.slice(from, to).map((item, n) => {
            const id = identify(item);
            return (
              <article
                key={id}
                data-id={id}
                class="row"
                tabIndex={id === entry ? 0 : -1}
                aria-posinset={from + n + 1}
                aria-setsize={items.length}
                aria-labelledby={`who-${id}`}
                ref={(node) => node && observer.current?.observe(node)}
              >
                {render(item, items[from + n - 1])}
              </article>
            );
          })}
        </div>
      </div>
    </div>
  );
}

// The last position whose top is not below y.
function search(tops, y) {
  let low = 0;
  let high = Math.max(0, tops.length - 2);
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (tops[middle] <= y) low = middle;
    else high = middle - 1;
  }
  return low;
}
