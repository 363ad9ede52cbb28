"""Every update comes in here: who asks what, whether they may, and what they get for it.

Nothing else handles updates, so access is decided in one place.
"""

from __future__ import annotations

import math
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable

import structlog
from telegram import CallbackQuery, Message, Update
from telegram.error import BadRequest, Forbidden, NetworkError, RetryAfter, TelegramError

from bot.access import Access
from bot.asking import Deadline
from bot.commands import table
from bot.commands.call import Call, ForAnother, parse_press, parse_text
from bot.commands.desk import Ask, Desk, Person
from bot.post import Place, Post
from bot.symbols import Found
from bot.views import talk
from bot.views.card import Card
from bot.views.origin import Context
from teleglas.telegram.pace import Pace
from teleglas.telegram.text import plain

__all__ = ["Front"]

_SAID_FOR_S = 60.0
_HINTS_PER_MINUTE, _HINTS = 60.0, 3
_REPORTED_FOR_S = 600.0
_MOST_SAID = 5_000
_TEXT_ONLY = "text"
_PICTURE_S = 1.8
"""Since the question: what is not drawn by then goes as text, so that the answer comes within 2 s (SPEC 7)."""

log = structlog.get_logger(__name__)


class Front:
    """Answers updates. tell_admin: sends a line to the administrator. clock: monotonic seconds."""

    def __init__(
        self,
        desk: Desk,
        post: Post,
        access: Access,
        pace: Pace,
        *,
        tell_admin: Callable[[str], Awaitable[None]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._desk = desk
        self._post = post
        self._access = access
        self._pace = pace
        self._hints = Pace(_HINTS_PER_MINUTE, _HINTS)
        self._tell_admin = tell_admin
        self._clock = clock
        self._said: OrderedDict[object, float] = OrderedDict()
        self.counts: dict[str, int] = {}

    async def receive(self, update: Update) -> None:
        """Answer an update; whatever goes wrong is told, and never raised."""
        if update.callback_query is not None:
            with self._post.late.answering():
                await self._pressed(update.callback_query)
            return
        message = update.message or update.edited_message or update.channel_post
        if message is not None and message.text:
            with self._post.late.answering():
                await self._typed(message, message.text)

    async def _typed(self, message: Message, text: str) -> None:
        call = parse_text(text, self._desk.username)
        private = message.chat.type == message.chat.PRIVATE
        if isinstance(call, ForAnother) or (call is None and not private):
            return
        user = message.from_user
        person = Person(
            user.id if user else None, message.chat_id, user.language_code if user else None, private
        )
        thread = message.message_thread_id if message.is_topic_message else None
        place = Place(message.chat_id, thread=thread, reply_to=None if private else message.message_id)
        if call is None:
            call = Call("", (text.strip()[:64],))
        elif not private and table.find(call.name) is None:
            return  # in a group an unknown command is most likely another bot's
        await self._serve(call, person, place)

    async def _pressed(self, query: CallbackQuery) -> None:
        call = parse_press(query.data or "")
        message = query.message if isinstance(query.message, Message) else None
        if call is None or message is None:
            await self._ask_anew(query)
            return
        private = message.chat.type == message.chat.PRIVATE
        person = Person(query.from_user.id, message.chat_id, query.from_user.language_code, private)
        thread = message.message_thread_id if message.is_topic_message else None
        place = Place(message.chat_id, thread=thread, edit=message if call.in_place else None)
        await self._serve(call, person, place, query)

    async def _ask_anew(self, query: CallbackQuery) -> None:
        """Answer a press without its message, or of a button that no version of ours made."""
        user = query.from_user
        chat_id = query.message.chat.id if query.message is not None else user.id
        context = await self._desk.context(Person(user.id, chat_id, user.language_code, chat_id == user.id))
        await _acknowledge(query, talk.type_anew(context).parts[0].html)

    async def _serve(
        self, call: Call, person: Person, place: Place, query: CallbackQuery | None = None
    ) -> None:
        context: Context | None = None
        end = Deadline()
        try:
            context = await self._desk.context(person)
            refusal = self._refusal(person, context)
            if query is not None:
                await _acknowledge(query, "" if refusal is None else refusal.parts[0].html)
            if refusal is not None:
                if query is None and self._may_say(refusal, person):
                    await self._post.show(refusal, place, context)
                return
            card = await self._answer(Ask(self._desk, call, person, context, end))
            as_text, draw_s = _TEXT_ONLY in call.arguments, _PICTURE_S - end.passed()
            await self._post.show(card, place, context, as_text=as_text, draw_s=draw_s)
            self.counts[call.name] = self.counts.get(call.name, 0) + 1
        except Forbidden as error:
            log.info("chat_refused", why=error.message)
        except Exception as error:  # noqa: BLE001 - the boundary: the person gets a sentence, the admin the reference
            await self._own_up(error, call, place, context)

    def _refusal(self, person: Person, context: Context) -> Card | None:
        if not self._access.permits(person.user_id, person.chat_id):
            return talk.denied(person.user_id if person.private else None, context)
        wait_s = self._pace.take(person.user_id or person.chat_id, self._clock())
        return talk.slow_down(math.ceil(wait_s), context) if wait_s > 0 else None

    def _may_say(self, refusal: Card, person: Person) -> bool:
        """Return whether to tell a refusal: the one who hurries about each second, a stranger once a minute."""
        if self._access.permits(person.user_id, person.chat_id):
            return self._hints.take(person.user_id or person.chat_id, self._clock()) == 0
        return self._first_time((refusal.parts[0].html, person.user_id, person.chat_id), _SAID_FOR_S)

    async def _answer(self, ask: Ask) -> Card:
        if not ask.call.name:
            return await self._chat(ask)
        command = table.find(ask.call.name)
        if command is None:
            return talk.did_you_mean(ask.call.name, table.near(ask.call.name), ask.context)
        return await command.run(ask)

    async def _chat(self, ask: Ask) -> Card:
        """Answer a text that is no command: perhaps a coin."""
        found = await self._desk.resolve(ask.argument(0))
        if isinstance(found, Found):
            return talk.coin_menu(found.asset, ask.context)
        return talk.welcome(ask.context)

    async def _own_up(self, error: Exception, call: Call, place: Place, context: Context | None) -> None:
        reference = secrets.token_hex(3)
        passing = isinstance(error, NetworkError | RetryAfter) and not isinstance(error, BadRequest)
        known = call.name if table.find(call.name) else "other"
        if passing:
            # Telegram itself is out of reach, or takes no more for now: there is nobody to tell, and nothing to mend.
            log.warning("answer_not_sent", command=known, error=type(error).__name__)
            return
        log.error("command_failed", reference=reference, command=known, error=type(error).__name__,
                  exc_info=error)  # fmt: skip
        if self._first_time((type(error).__name__, known), _REPORTED_FOR_S):
            await self._tell_admin(f"/{known} failed: {type(error).__name__}, reference {reference}")
        if context is None:
            return
        place.edit = None
        try:
            await self._post.show(talk.failed(reference, context), place, context)
        except TelegramError as again:
            log.warning("apology_not_sent", reference=reference, error=type(again).__name__)

    def _first_time(self, what: object, for_s: float) -> bool:
        now = self._clock()
        then = self._said.get(what)
        if then is not None and now - then < for_s:
            return False
        self._said.pop(what, None)
        self._said[what] = now
        while len(self._said) > _MOST_SAID:
            self._said.popitem(last=False)
        return True


async def _acknowledge(query: CallbackQuery, words: str = "") -> None:
    """End the button's hourglass; one that Telegram does not let us end costs nothing of the answer."""
    try:
        await query.answer(plain(words) or None)
    except TelegramError as error:
        log.debug("press_not_acknowledged", error=type(error).__name__)
