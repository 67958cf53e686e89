"""Posts and files that Claude's API refuses: which are suspected, which are left out, what is remembered."""

import asyncio
import datetime as dt
import pathlib

import fakes
import pytest
import world

from bot import conversation, errors, turns, withholding
from bot.files import kinds
from bot.tools import recalling

POISON = "a poisoned post"


class Refusing(fakes.Model):
    """A model whose API refuses every request that holds the poison; `pointing` says where it is."""

    pointing = False

    async def answer(self, request: conversation.Request, draft: object) -> conversation.Answer:
        """Refuse or answer."""
        for number, turn in enumerate(request.turns):
            for place, block in enumerate(turn.blocks):
                if POISON in block.text:
                    self.requests.append(request)
                    where = f"messages.{number}.content.{place}" if self.pointing else "it"
                    raise errors.Rejected(f"{where}: could not be processed")
        return await super().answer(request, draft)  # type: ignore[arg-type] # the fake takes any draft


async def ask(bot: world.World, number: int, text: str) -> None:
    """A post, and its answer."""
    await bot.log.record(world.a_post(number, text), world.HOME)
    await bot.responder.answer(world.KEY, asyncio.Event())


def refused(bot: world.World) -> int:
    """How many requests held the poison."""
    return sum(POISON in str(request.turns) for request in bot.model.requests)


async def test_a_refused_post_is_left_out_and_told_once(tmp_path: pathlib.Path) -> None:
    """The post that is refused gets a word in its place, the person hears of it, later requests pass."""
    async with world.opened(tmp_path, model=Refusing(script=["One.", "Two.", "Three."])) as bot:
        await ask(bot, 1, "a good one")
        await ask(bot, 2, POISON)
        await ask(bot, 3, "another good one")
        assert bot.platform.visible == ["One.", f"Two.{withholding.NOTE}", "Three."]
        assert refused(bot) == 1
        assert turns.WITHHELD in str(bot.model.requests[-1].turns)


async def test_an_edit_lifts_it(tmp_path: pathlib.Path) -> None:
    """A post that was left out is sent again once its author has changed it."""
    async with world.opened(tmp_path, model=Refusing(script=["One.", "Two."])) as bot:
        await ask(bot, 1, POISON)
        await bot.log.edit(
            world.KEY, "1", "a harmless post", world.a_post(9, "").sent_at + dt.timedelta(hours=1)
        )
        await ask(bot, 2, "and now?")
        assert "a harmless post" in str(bot.model.requests[-1].turns)
        assert turns.WITHHELD not in str(bot.model.requests[-1].turns)


@pytest.mark.parametrize("error", [errors.KeyRefused, errors.SpendLimit, errors.TooLong, errors.Overloaded])
async def test_no_post_is_blamed_for_anything_else(
    tmp_path: pathlib.Path, error: type[errors.ModelError]
) -> None:
    """A key, a limit, a size or an outage is tried once and leaves every post where it is."""
    async with world.opened(tmp_path, model=fakes.Model(script=[error("no"), "Two."])) as bot:
        await ask(bot, 1, "a good one")
        assert len(bot.model.requests) == 1
        await ask(bot, 2, "again")
        assert turns.WITHHELD not in str(bot.model.requests[-1].turns)


async def test_a_cause_outside_the_posts_blames_none(tmp_path: pathlib.Path) -> None:
    """Where leaving posts out does not help (an unknown model), the tries are few and nothing is left out."""
    script = [errors.Rejected("model: no such model")] * (withholding.TRIES + 1)
    async with world.opened(tmp_path, model=fakes.Model(script=[*script[:2], "Fine."])) as bot:
        await ask(bot, 1, "a good one")
        assert bot.platform.visible == [errors.Rejected().sentence]
        await ask(bot, 2, "again")
        assert turns.WITHHELD not in str(bot.model.requests[-1].turns)


async def test_an_old_post_is_found_where_the_api_points_at_it(tmp_path: pathlib.Path) -> None:
    """A post that was taken before and is refused now is left out, when the API says where it stands."""
    model = fakes.Model(script=["One.", "Two."])
    async with world.opened(tmp_path, model=model) as bot:
        await ask(bot, 1, POISON)
        model.__class__ = Refusing
        model.pointing = True  # type: ignore[attr-defined] # it is a Refusing from here on
        await ask(bot, 2, "a good one")
        assert bot.platform.visible[-1] == f"Two.{withholding.NOTE}"
        assert refused(bot) == 2  # when it was taken, and when it was not


def with_files(number: int, *digests: str) -> conversation.Post:
    """A placed post with pictures of these hashes."""
    files = tuple(
        conversation.Attachment(
            id=f"F{position}",
            name=f"{digest}.png",
            media_type="image/png",
            size=9,
            url="u",
            media=conversation.Media(kind="image", digest=digest),
        )
        for position, digest in enumerate(digests)
    )
    return world.a_post(number, "see", place=number, attachments=files)


def suspected(*posts: conversation.Post, refusal: str = "Could not process image") -> list[set[str]]:
    """What is suspected in a thread of these posts, in order."""
    thread = conversation.Thread(conversation=world.KEY, posts=posts, summaries=(), last=None)
    return [set(names) for names in withholding.suspects(thread, turns.rebuild(posts), refusal=refusal)]


def test_files_are_suspected_before_their_post() -> None:
    """Each picture of a post comes alone, then all of them, and the post with its words last."""
    assert suspected(with_files(1, "a", "b")) == [{"1/0"}, {"1/1"}, {"1/0", "1/1"}, {"1"}]


def test_the_picture_that_the_api_points_at_comes_first() -> None:
    """The block that the refusal names is a file of a post: that file is tried before any other."""
    first, *_ = suspected(
        with_files(1, "a", "b"), with_files(2, "c"), refusal="messages.0.content.1.image.source: bad"
    )
    assert first == {"1/1"}


def test_the_same_file_is_suspected_wherever_it_stands() -> None:
    """A picture that was posted twice is one suspect: leaving out one of the two would prove nothing."""
    assert suspected(with_files(1, "a"), with_files(2, "a"))[0] == {"1/0", "2/0"}


def test_tries_are_left_for_the_posts_however_many_files_there_are() -> None:
    """Many posts with many files: their posts, one by one and together, are within the tries."""
    posts = [with_files(number, *(f"{number}{each}" for each in range(10))) for number in range(1, 9)]
    sets = suspected(*posts, refusal="messages.0.content.3.image.source: bad")
    assert len(sets) <= withholding.TRIES
    assert sets[-1] == {str(number) for number in range(1, 9)}


def test_a_file_left_out_is_unread_with_the_reason_and_the_words_stay() -> None:
    """The request has no block for the picture any more; the post's text and the file's name are in it."""
    thread = conversation.Thread(
        conversation=world.KEY, posts=(with_files(1, "a", "b"),), summaries=(), last=None
    )
    smaller = withholding.without(thread, frozenset(["1/0"]))
    *shown, text = turns.rebuild(smaller.posts)[0].blocks
    assert [block.text for block in shown] == ["b.png"]
    assert f'name="a.png" type="image/png" bytes="9" unread="{kinds.REFUSED}"' in text.text
    assert "see</post>" in text.text


async def test_of_many_posts_that_are_pointed_at_one_is_left_out(tmp_path: pathlib.Path) -> None:
    """Where the API points at a block of many posts, only the one that is refused is left out."""
    model = Refusing(script=["Sum."])
    model.pointing = True
    async with world.opened(tmp_path, model=model) as bot:
        for number in range(1, 12):
            text = POISON if number == 5 else f"innocent {number}"
            await bot.log.record(world.a_post(number, text, addressed=number == 11), world.HOME)
        await bot.responder.answer(world.KEY, asyncio.Event())
        taken = str(bot.model.requests[-1].turns)
        assert taken.count(turns.WITHHELD) == 1
        assert all(f"innocent {number}" in taken for number in (1, 4, 6, 11))


async def test_what_claude_declines_is_not_asked_again(tmp_path: pathlib.Path) -> None:
    """A declined question is left out of later requests: in the history it would have them declined, too."""
    model = fakes.Model(script=[errors.Declined("refusal"), "Gladly."])
    async with world.opened(tmp_path, model=model) as bot:
        await ask(bot, 1, "something terrible")
        await ask(bot, 2, "something else")
        assert bot.platform.visible == [errors.Declined().sentence, "Gladly."]
        assert "terrible" not in str(bot.model.requests[-1].turns)


async def test_recall_is_blamed_before_a_post(tmp_path: pathlib.Path) -> None:
    """Where the request is taken without recall, what that gave was refused, and no post is left out."""

    class Recalling(fakes.Model):
        async def answer(self, request: conversation.Request, draft: object) -> conversation.Answer:
            if any(tool.name == recalling.TOOL.name for tool in request.tools):
                self.requests.append(request)
                raise errors.Rejected("messages.3.content.0: could not be processed")
            return await super().answer(request, draft)  # type: ignore[arg-type] # the fake takes any draft

    words = "word " * 400
    async with world.opened(tmp_path, budget_tokens=1500, floor_tokens=700) as bot:
        for number in range(1, 6):
            await ask(bot, number, words)
        bot.model.__class__ = Recalling
        await ask(bot, 6, "what was the plan?")
        assert bot.platform.visible[-1] == "ok"
        assert turns.WITHHELD not in str(bot.model.requests[-1].turns)


async def test_a_thread_that_is_too_long_is_cut_for_good(tmp_path: pathlib.Path) -> None:
    """What the model cannot read at once is planned in half the room; later requests go on from there."""

    class Short(fakes.Model):
        async def answer(self, request: conversation.Request, draft: object) -> conversation.Answer:
            if len(str(request.turns)) > 12_000:
                self.requests.append(request)
                raise errors.TooLong("prompt is too long")
            return await super().answer(request, draft)  # type: ignore[arg-type] # the fake takes any draft

    words = "word " * 400
    async with world.opened(tmp_path, model=Short(), strategy="full") as bot:
        for number in range(1, 9):
            await ask(bot, number, words)
        assert set(bot.platform.visible) == {"ok"}
        refused_calls = sum(len(str(request.turns)) > 12_000 for request in bot.model.requests)
        assert refused_calls < 4
