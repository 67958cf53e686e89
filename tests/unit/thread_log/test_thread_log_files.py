"""Files in the log: stored once, sent as they were decided, and gone with the last post that had them."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import pathlib
from collections.abc import AsyncIterator

import log_support
import pytest

from bot import conversation, thread_log

SECRET = "kumquat harvest"
DATA = b"the bytes of a picture that nobody else has" * 300


@pytest.fixture
async def log(path: pathlib.Path) -> AsyncIterator[thread_log.ThreadLog]:
    """A log in a file."""
    async with thread_log.open(f"sqlite:///{path}", clock=log_support.Clock()) as opened:
        yield opened


def with_file(number: int, where: conversation.ConversationId = log_support.HERE) -> conversation.Post:
    """A post with one file."""
    file = conversation.Attachment(
        id="F1", name="a.pdf", media_type="application/pdf", size=9, url="https://x/y"
    )
    return dataclasses.replace(log_support.post(number, where=where), attachments=(file,))


def media(data: bytes = DATA) -> conversation.Media:
    """What was read of it."""
    return conversation.Media(
        kind="pdf",
        digest=hashlib.sha256(data).hexdigest(),
        media_type="application/pdf",
        data=data,
        text=SECRET,
        tokens=3_000,
        pages=1,
    )


async def fetched(log: thread_log.ThreadLog) -> None:
    """Every file that is waited for arrives."""
    for file in await log.files.waiting():
        assert await log.files.keep(file, media())


def bytes_of(path: pathlib.Path) -> bytes:
    """All bytes of the database and its WAL."""
    return b"".join(each.read_bytes() for each in path.parent.glob(path.name + "*") if each.is_file())


async def test_a_file_is_found_by_its_words_and_read_with_its_post(log: thread_log.ThreadLog) -> None:
    """What a file says is searched; its post comes with what was read, its bytes on demand."""
    await log.record(with_file(1), log_support.HOME)
    await fetched(log)
    [hit] = await log.search(log_support.HERE, "kumquats", 5)
    [file] = hit.post.attachments
    assert file.media == dataclasses.replace(media(), data=b"", size=len(DATA))
    assert {media().digest: DATA} == await log.file_data([media().digest])


@pytest.mark.parametrize("way", ["delete", "forget", "expire", "user"])
async def test_an_erased_posts_file_is_gone_from_the_bytes(
    log: thread_log.ThreadLog, path: pathlib.Path, way: str
) -> None:
    """However a post is erased, neither its file's bytes nor its words are left in the files."""
    await log.record(with_file(1), log_support.HOME)
    await fetched(log)
    assert DATA[:40] in bytes_of(path)
    if way == "delete":
        await log.delete(log_support.HERE, "1.1")
    elif way == "forget":
        await log.forget(log_support.HERE)
    elif way == "user":
        await log.forget_user("slack:U1")
    else:
        # A question that waits is kept: the post is answered first.
        await log_support.exchange(log, with_file(1))
        await log.expire(log_support.Clock().now)
    await log.scrubbed()
    left = bytes_of(path)
    assert DATA[:40] not in left
    assert SECRET.encode() not in left
    assert await log.search(log_support.HERE, "kumquat", 5) == []


async def test_bytes_that_another_post_refers_to_stay(log: thread_log.ThreadLog) -> None:
    """The same file in two conversations is stored once, and stays until the last of the posts goes."""
    await log.record(with_file(1), log_support.HOME)
    await log.record(with_file(2, log_support.ELSEWHERE), log_support.HOME)
    await fetched(log)
    await log.delete(log_support.HERE, "1.1")
    assert await log.file_data([media().digest]) == {media().digest: DATA}
    await log.delete(log_support.ELSEWHERE, "2.1")
    assert await log.file_data([media().digest]) == {}


async def test_what_a_request_was_planned_without_stays_unread(log: thread_log.ThreadLog) -> None:
    """After `settle` a file that arrives late is not kept: what was sent is sent again."""
    await log.record(with_file(1), log_support.HOME)
    [file] = await log.files.waiting()
    reply = await log.begin(log_support.HERE)
    assert reply is not None
    assert await log.files.settle(reply, "it came too late") == 1
    assert not await log.files.keep(file, media())
    [post] = (await log.thread(reply)).posts
    assert post.attachments[0].media == conversation.Media(kind="unread", reason="it came too late")


async def test_a_file_whose_post_was_deleted_meanwhile_is_not_kept(
    log: thread_log.ThreadLog, path: pathlib.Path
) -> None:
    """A download that ends after its post's deletion leaves nothing behind."""
    await log.record(with_file(1), log_support.HOME)
    [file] = await log.files.waiting()
    await log.delete(log_support.HERE, "1.1")
    assert not await log.files.keep(file, media())
    assert DATA[:40] not in bytes_of(path)


LATER = log_support.START + dt.timedelta(seconds=60)


def a_file(name: str) -> conversation.Attachment:
    """A file as it was announced."""
    return conversation.Attachment(id=name, name=name, media_type="text/plain", size=9, url="https://x/y")


def having(*names: str) -> conversation.Post:
    """The first post, with these files."""
    return dataclasses.replace(log_support.post(1), attachments=tuple(map(a_file, names)))


async def held(log: thread_log.ThreadLog) -> list[str]:
    """The names of the first post's files."""
    [post] = [post async for post in log.posts(log_support.HERE)]
    return [file.name for file in post.attachments]


async def test_a_download_is_kept_for_its_own_file_alone(log: thread_log.ThreadLog) -> None:
    """A file that an edit has moved to another position takes no other's bytes; it is fetched again."""
    await log.record(having("a", "b", "c"), log_support.HOME)
    waiting = await log.files.waiting()
    await log.edit(log_support.HERE, "1.1", "about 1", LATER, attachments=[a_file("b"), a_file("c")])
    for file in waiting:
        assert not await log.files.keep(file, media(file.attachment.id.encode()))
    assert [file.attachment.name for file in await log.files.waiting()] == ["b", "c"]


async def test_files_that_stay_are_not_fetched_again(log: thread_log.ThreadLog, path: pathlib.Path) -> None:
    """An edit lets go of the files it no longer names, keeps the others, and waits for new ones."""
    await log.record(having("a", "b"), log_support.HOME)
    for file in await log.files.waiting():
        assert await log.files.keep(file, media(file.attachment.id.encode() * 1_000))
    await log.edit(log_support.HERE, "1.1", "said", LATER, attachments=[a_file("b"), a_file("c")])
    assert await held(log) == ["b", "c"]
    assert [file.attachment.name for file in await log.files.waiting()] == ["c"]
    await log.scrubbed()
    assert b"a" * 1_000 not in bytes_of(path)
    assert b"b" * 1_000 in bytes_of(path)


async def test_a_file_does_not_come_back_with_an_older_edit(log: thread_log.ThreadLog) -> None:
    """What was taken away stays away when the event of an earlier edit, which still has it, comes late."""
    await log.record(having("a", "b"), log_support.HOME)
    await log.edit(log_support.HERE, "1.1", "said", LATER, attachments=[a_file("b")])
    effect = await log.edit(log_support.HERE, "1.1", "said", LATER, attachments=[a_file("a"), a_file("b")])
    assert not effect.changed
    assert await held(log) == ["b"]


async def test_a_deleted_file_leaves_every_post(log: thread_log.ThreadLog) -> None:
    """A file that was shared twice goes from both posts, and a file of elsewhere from none."""
    await log_support.exchange(log, having("a"))
    await log.record(dataclasses.replace(having("a"), conversation=log_support.ELSEWHERE), log_support.HOME)
    await fetched(log)
    touched = await log.file_gone("slack", log_support.HOME.workspace, "a")
    assert {log_support.HERE, log_support.ELSEWHERE} == {where for where, _ in touched}
    assert await log.file_data([media().digest]) == {}
    assert await log.file_gone("slack", "another", "b") == []
