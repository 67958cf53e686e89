"""From the log to what Claude is sent: opening and rebuilding threads of 10 to 100,000 posts.

All threads stand in one log among many others. Each is rebuilt in three states: nothing summarised
(everything is read), summarised down to the default floor, and down to a short tail. The log is built once,
through its own interface, with real posts.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import itertools
import pathlib
import random
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence

from bench.support import irc, report
from bot import conversation, settings, thread_log, turns
from bot.planning import sizes

LENGTHS = (10, 100, 1_000, 10_000, 100_000)
TOTAL = 300_000  # posts in the log
OTHERS = 30  # posts of each other thread
BOT_EVERY = 3  # one post in so many is the bot's
BATCH = 2_000  # posts in one commit while the log is built
SHORT_TAIL = 30  # posts
SUMMARY_WORDS = 300
ROUNDS = 300
READ_ALL_ROUNDS = 1_000_000  # posts read in all at most, for each length, where everything is read
OPENINGS = 21
AIM = 0.5  # ms
FLOOR_TOKENS = settings.Settings.model_fields["bot_context_tokens"].default // 2
START = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
HOME = conversation.Home(platform="bench", workspace="", channel="", address="")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Timing:
    """One rebuild, in milliseconds: the log's part, the turns' part, and how many posts were read."""

    read: float
    build: float
    posts: int

    @property
    def whole(self) -> float:
        """Both."""
        return self.read + self.build


@dataclasses.dataclass(frozen=True, kw_only=True)
class State:
    """What is summarised."""

    name: str
    posts: int | None = None  # the tail, in posts
    tokens: int | None = None  # the tail, in tokens


EVERYTHING = State(name="everything")
FLOOR = State(name=f"tail of {FLOOR_TOKENS:,} tokens", tokens=FLOOR_TOKENS)
SHORT = State(name=f"tail of {SHORT_TAIL} posts", posts=SHORT_TAIL)
STATES = (EVERYTHING, FLOOR, SHORT)  # each summarises more than the one before

Results = dict[tuple[str, int], list[Timing]]


def main() -> None:
    """Build the log, measure, and publish the table."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_run(pathlib.Path(folder) / "bench.db"))


async def _run(path: pathlib.Path) -> None:
    url = f"sqlite:///{path}"
    results: Results = {}
    began = time.perf_counter()
    async with thread_log.open(url) as book:
        await build(book)
        built = time.perf_counter() - began
        print(f"built {TOTAL:,} posts in {built:.0f} s", flush=True)
        replies = {length: await asked(book, length, number=0) for length in LENGTHS}
        for state in STATES:
            for length in LENGTHS:
                replies[length] = await summarised(book, replies[length], length, state)
            results |= await rebuilds(book, replies, state)
            print(f"measured: {state.name}", flush=True)
    opened = await openings(url, replies)
    size = sum(file.stat().st_size for file in path.parent.iterdir()) / 2**20
    report.publish(
        "rebuild",
        title="Opening and rebuilding a thread",
        body=_body(results, opened, build_seconds=built, mebibytes=size),
        source=irc.source(),
    )


async def build(book: thread_log.ThreadLog) -> None:
    """Record every thread, the long ones spread among the others as they would be."""
    said = irc.posts()
    others = (TOTAL - sum(LENGTHS)) // OTHERS
    threads = [(_id(length), length) for length in LENGTHS]
    threads += [(conversation.ConversationId(f"bench:other:{number}"), OTHERS) for number in range(others)]
    for run in _batches(_interleaved(threads, said)):
        await book.import_posts(run)


async def asked(book: thread_log.ThreadLog, length: int, *, number: int) -> conversation.Reply:
    """Record the next question of a measured thread and take up its reply."""
    sent_at = START + dt.timedelta(days=20, seconds=number)
    post = _post(_id(length), f"question {number}", ("Ada", "and what about the rest?"), sent_at)
    await book.record(dataclasses.replace(post, addressed=True), HOME)
    reply = await book.begin(_id(length))
    assert reply is not None
    return reply


async def summarised(
    book: thread_log.ThreadLog, reply: conversation.Reply, length: int, state: State
) -> conversation.Reply:
    """Bring a thread into a state, answer its question, and take up the next one."""
    thread = await book.thread(reply)
    first = _cut(thread.posts, state)
    if first > thread.posts[0].place:  # type: ignore[operator] # every post of a thread has a place
        covered = [post for post in thread.posts if (post.place or 0) < first]
        summary = conversation.Summary(
            conversation=reply.conversation,
            first_place=min([covered[0].place or 0, *(old.first_place for old in thread.summaries)]),
            last_place=first - 1,
            text=irc.words(SUMMARY_WORDS),
            posts=len(covered) + sum(old.posts for old in thread.summaries),
            model="claude-haiku-5-5",
            created_at=dt.datetime.now(dt.UTC),
        )
        await book.add_summary(summary, thread.summaries)
    plan = conversation.Plan(
        model="claude-sonnet-5-5", effort="low", max_output_tokens=8192, lifetime="5m", first_place=first
    )
    usage = conversation.Usage(fresh=100, written_5m=500, read=FLOOR_TOKENS, output=250)
    answer = conversation.Answer(
        text=irc.words(150), usage=usage, model=plan.model, stop_reason="end_turn", message_id="msg_1"
    )
    await book.plan(reply, plan)
    await book.posted(reply, (f"answer {reply.id}",))
    await book.billed(reply, "answer", plan.model, usage)
    await book.written(reply, answer)
    await book.end(reply, conversation.ReplyState.FINISHED)
    return await asked(book, length, number=STATES.index(state) + 1)


async def rebuilds(
    book: thread_log.ThreadLog, replies: dict[int, conversation.Reply], state: State
) -> Results:
    """Time rebuilding each thread many times, the threads in a random order."""
    order = [
        length for length in LENGTHS for _ in range(_all_rounds(length) if state is EVERYTHING else ROUNDS)
    ]
    random.Random(0).shuffle(order)  # noqa: S311 - an order, not a secret
    found: Results = defaultdict(list)
    for length in [*LENGTHS, *order]:  # the first of each warms SQLite's cache up
        found[state.name, length].append(await rebuilt(book, replies[length]))
    return {key: timings[1:] for key, timings in found.items()}


async def rebuilt(book: thread_log.ThreadLog, reply: conversation.Reply) -> Timing:
    """Read a thread as the responder does, and make its turns."""
    began = time.perf_counter()
    thread = await book.thread(reply)
    read = time.perf_counter()
    made = turns.rebuild(thread.posts, thread.summaries)
    built = time.perf_counter()
    assert made[-1].role == "user"
    return Timing(read=(read - began) * 1e3, build=(built - read) * 1e3, posts=len(thread.posts))


async def openings(url: str, replies: dict[int, conversation.Reply]) -> dict[int, list[Timing]]:
    """Open the file anew and rebuild one thread first thing; `read` is the opening, `build` the rebuild."""
    found: dict[int, list[Timing]] = defaultdict(list)
    for _, length in itertools.product(range(OPENINGS), LENGTHS):
        began = time.perf_counter()
        async with thread_log.open(url) as book:
            opened = time.perf_counter()
            first = await rebuilt(book, replies[length])
            found[length].append(Timing(read=(opened - began) * 1e3, build=first.whole, posts=first.posts))
    return found


def _cut(posts: Sequence[conversation.Post], state: State) -> int:
    """The first place that stays word for word; a place is kept whole."""
    if state is EVERYTHING:
        return posts[0].place or 0
    kept_posts = kept_tokens = 0
    first = posts[-1].place or 0
    for place, group in itertools.groupby(reversed(posts), key=lambda post: post.place or 0):
        run = list(group)
        kept_posts += len(run)
        kept_tokens += sum(sizes.estimate(turns.mark(post)) for post in run)
        if kept_posts > (state.posts or kept_posts) or kept_tokens > (state.tokens or kept_tokens):
            break
        first = place
    return first


def _interleaved(
    threads: Sequence[tuple[conversation.ConversationId, int]], said: Iterator[irc.Said]
) -> Iterator[conversation.Post]:
    """The threads' posts, those of a long one in runs between the others, each in its own order."""
    left = dict(threads)
    seconds = itertools.count()
    while left:
        for key in list(left):
            run = min(left[key], max(OTHERS, left[key] // 100))
            for number in range(left[key], left[key] - run, -1):
                sent_at = START + dt.timedelta(seconds=next(seconds))
                yield _post(key, f"post {number}", next(said), sent_at, bot=number % BOT_EVERY == 0)
            left[key] -= run
            if not left[key]:
                del left[key]


def _batches(posts: Iterator[conversation.Post]) -> Iterator[list[conversation.Post]]:
    while batch := list(itertools.islice(posts, BATCH)):
        yield batch


def _post(
    key: conversation.ConversationId, name: str, said: irc.Said, sent_at: dt.datetime, *, bot: bool = False
) -> conversation.Post:
    return conversation.Post(
        conversation=key,
        id=name,
        role="assistant" if bot else "user",
        author="assistant" if bot else said[0],
        author_name="assistant" if bot else said[0],
        text=said[1],
        sent_at=sent_at,
    )


def _id(length: int) -> conversation.ConversationId:
    return conversation.ConversationId(f"bench:measured:{length}")


def _body(
    results: Results, opened: dict[int, list[Timing]], *, build_seconds: float, mebibytes: float
) -> str:
    head = ("posts", "what is read", "posts read", "log p50", "turns p50", "p50", "p95", "all / this")
    rows = []
    for length, state in itertools.product(LENGTHS, STATES):
        timings = results[state.name, length]
        p50, every = _p50(timings), _p50(results[EVERYTHING.name, length])
        rows.append(
            [
                f"{length:,}",
                state.name,
                f"{timings[0].posts:,}",
                report.number(_p(50, [each.read for each in timings])),
                report.number(_p(50, [each.build for each in timings])),
                report.number(p50),
                report.number(_p(95, [each.whole for each in timings])),
                "" if state is EVERYTHING else f"{report.number(every / p50)}x",
            ]
        )
    opening = [
        [
            f"{length:,}",
            report.number(_p(50, [each.read for each in timings])),
            report.number(_p(95, [each.read for each in timings])),
            report.number(_p(50, [each.build for each in timings])),
            report.number(_p(95, [each.build for each in timings])),
        ]
        for length, timings in opened.items()
    ]
    opening_head = ("posts", "open, p50", "open, p95", "first rebuild, p50", "first rebuild, p95")
    floor, short = (max(_p50(results[state.name, length]) for length in LENGTHS) for state in (FLOOR, SHORT))
    held = max(results[FLOOR.name, length][0].posts for length in LENGTHS)
    return f"""\
One log of {TOTAL:,} posts ({mebibytes:,.0f} MiB with its search index, built in {build_seconds:.0f} s). \
Milliseconds. A rebuild is one consistent read of the thread as the responder reads it (summaries, posts \
past them, the last request and its bill) and the turns made of it; {ROUNDS} times each in random order, \
fewer where everything of a long thread is read ({_all_rounds(max(LENGTHS))} times for the longest). Files \
and SQLite's cache are warm.

{report.table(head, rows, left=2)}

The rows of one tail, read downwards, show what the thread's length does. The tail of {FLOOR_TOKENS:,} \
tokens is what the default settings keep word for word right after a summary; chat posts are short, so that \
is up to {held:,} posts here and at most {report.number(floor)} ms (medians; {_verdict(floor)}). With a \
tail of {SHORT_TAIL} posts it is at most {report.number(short)} ms ({_verdict(short)}).

Opening the file ({OPENINGS} times for each thread), and the first rebuild after it, with a tail of \
{SHORT_TAIL} posts:

{report.table(opening_head, opening)}"""


def _all_rounds(length: int) -> int:
    """How often a thread is read whole."""
    return min(ROUNDS, max(5, READ_ALL_ROUNDS // length))


def _verdict(milliseconds: float) -> str:
    return f"the aim of {AIM} ms is {'reached' if milliseconds <= AIM else 'not reached'}"


def _p50(timings: Sequence[Timing]) -> float:
    return _p(50, [each.whole for each in timings])


def _p(percent: int, values: Sequence[float]) -> float:
    """A percentile."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


if __name__ == "__main__":
    main()
