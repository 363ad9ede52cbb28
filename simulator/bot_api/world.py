"""What the server knows: bots, chats, messages, pictures."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulator.bot_api.errors import ApiError, bad_request, forbidden
from simulator.bot_api.updates import UpdateQueue

__all__ = ["GENERAL_TOPIC", "Bot", "Chat", "Message", "Picture", "World", "digest"]

GENERAL_TOPIC = 1


@dataclass
class Bot:
    """A bot and its updates. commands: per (scope as JSON, language)."""

    token: str
    username: str
    name: str
    updates: UpdateQueue = field(default_factory=UpdateQueue)
    commands: dict[tuple[str, str], list[dict[str, str]]] = field(default_factory=dict)
    callbacks: set[str] = field(default_factory=set)
    toasts: list[str] = field(default_factory=list)

    @property
    def bot_id(self) -> int:
        """The number before the colon of the token."""
        return int(self.token.partition(":")[0])

    def user(self) -> dict[str, Any]:
        """Return the `User` object."""
        return {"id": self.bot_id, "is_bot": True, "first_name": self.name, "username": self.username}


@dataclass
class Picture:
    """An uploaded photo."""

    content: bytes
    sha256: str
    width: int
    height: int
    suffix: str

    @property
    def file_id(self) -> str:
        """The id under which it can be sent again."""
        return f"photo-{self.sha256[:32]}"

    @property
    def path(self) -> str:
        """Its `file_path`."""
        return f"photos/{self.sha256[:16]}.{self.suffix}"

    def size(self) -> dict[str, Any]:
        """Return the `PhotoSize` object."""
        return {
            "file_id": self.file_id,
            "file_unique_id": self.sha256[:16],
            "width": self.width,
            "height": self.height,
            "file_size": len(self.content),
        }


@dataclass
class Message:
    """One message; bot is None for a person's. sender_chat: the chat that it speaks for, where not its sender."""

    message_id: int
    date: int
    bot: Bot | None
    sender: dict[str, Any]
    text: str = ""
    source: str = ""
    entities: tuple[dict[str, Any], ...] = ()
    picture: Picture | None = None
    thread: int | None = None
    reply_to: int | None = None
    markup: dict[str, Any] | None = None
    edit_date: int | None = None
    sender_chat: dict[str, Any] | None = None


@dataclass
class Chat:
    """A chat. kind: `private`, `group`, `supergroup` or `channel`.

    topics: thread id to open (True) or closed (False); a chat with topics is a forum.
    refusal: when set, everything is answered 403 with it. can_post, can_send_photos: the
    bot's rights there. migrated_to: the supergroup that a group has become. administrators: people.
    """

    chat_id: int
    kind: str
    title: str = ""
    username: str = ""
    topics: dict[int, bool] = field(default_factory=dict)
    refusal: str = ""
    can_post: bool = True
    can_send_photos: bool = True
    migrated_to: int | None = None
    messages: dict[int, Message] = field(default_factory=dict)
    last_id: int = 0
    administrators: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        if self.kind not in {"private", "group", "supergroup", "channel"}:
            raise ValueError(f"unknown kind of chat: {self.kind}")
        if (self.chat_id > 0) != (self.kind == "private"):
            raise ValueError(f"a {self.kind} chat cannot have the id {self.chat_id}")
        if self.topics and self.kind != "supergroup":
            raise ValueError("only a supergroup has topics")

    def brief(self) -> dict[str, Any]:
        """Return the `Chat` object."""
        out: dict[str, Any] = {"id": self.chat_id, "type": self.kind}
        out["first_name" if self.kind == "private" else "title"] = self.title or str(self.chat_id)
        if self.username:
            out["username"] = self.username
        if self.topics:
            out["is_forum"] = True
        return out

    def next_id(self) -> int:
        """Return the id of a new message."""
        self.last_id += 1
        return self.last_id


class World:
    """Everything that lives as long as the server.

    adds_media: whether `editMessageMedia` adds a medium to a text, which older servers refuse.
    """

    def __init__(self, photos: Path | None = None) -> None:
        self.adds_media = True
        self.bots: dict[str, Bot] = {}
        self.chats: dict[int, Chat] = {}
        self.pictures: dict[str, Picture] = {}
        self._photos = photos

    def names_of(self, wanted: object) -> set[str]:
        """Return every way to write the chat that a request names."""
        raw = str(wanted)
        chat = self._find(raw)
        return {raw} if chat is None else {raw, str(chat.chat_id), f"@{chat.username}"}

    def chat(self, wanted: object) -> Chat:
        """Return the chat that a bot may write to.

        Raises ApiError: 400 unknown, 400 with `migrate_to_chat_id`, 403 refused.
        """
        chat = self.known(wanted)
        if chat.migrated_to is not None:
            what = "group chat was upgraded to a supergroup chat"
            raise bad_request(what, migrate_to_chat_id=chat.migrated_to)
        if chat.refusal:
            raise forbidden(chat.refusal)
        return chat

    def known(self, wanted: object) -> Chat:
        """Return the chat, whatever its state; raises ApiError 400 when there is none."""
        raw = str(wanted if wanted is not None else "")
        if not raw:
            raise bad_request("chat_id is empty")
        chat = self._find(raw)
        if chat is None:
            raise bad_request("chat not found")
        return chat

    def _find(self, raw: str) -> Chat | None:
        if raw.startswith("@"):
            return next((c for c in self.chats.values() if c.username.lower() == raw[1:].lower()), None)
        return self.chats.get(int(raw)) if raw.lstrip("-").isdigit() else None

    def keep(self, picture: Picture) -> None:
        """Remember an uploaded photo, and save it if the server was asked to."""
        self.pictures[picture.file_id] = picture
        if self._photos is not None:
            self._photos.mkdir(parents=True, exist_ok=True)
            (self._photos / f"{picture.sha256[:16]}.{picture.suffix}").write_bytes(picture.content)

    def picture(self, file_id: str) -> Picture:
        """Return a photo by id; raises ApiError 400 when there is none."""
        if file_id not in self.pictures:
            raise bad_request("wrong file identifier/HTTP URL specified")
        return self.pictures[file_id]

    def by_path(self, token: str, path: str) -> Picture:
        """Return a photo for download; raises ApiError 401 or 404."""
        if token not in self.bots:
            raise ApiError(401, "Unauthorized")
        for picture in self.pictures.values():
            if picture.path == path:
                return picture
        raise ApiError(404, "Not Found")


def digest(content: bytes) -> str:
    """Return the hex SHA-256 of `content`."""
    return hashlib.sha256(content).hexdigest()
