"""Live chat, with a person or a bot."""

from typing import Literal

from schemas.touchpoint import Id, Label, Millis, Priority, Text, Touchpoint

Author = Literal["customer", "agent", "bot"]


class ChatStarted(Touchpoint, frozen=True, kw_only=True, tag="chat.started"):
    """The customer opened a conversation."""

    priority: Priority | None = None

    by_customer = True


class ChatMessage(Touchpoint, frozen=True, kw_only=True, tag="chat.message"):
    """One message of a conversation."""

    author: Author
    text: Text | None = None

    @property
    def by_customer(self) -> bool:  # type: ignore[override]
        return self.author == "customer"


class ChatHandedOff(Touchpoint, frozen=True, kw_only=True, tag="chat.handed_off"):
    """The conversation went to another agent, team or channel."""

    to_team: Label | None = None
    to_channel: Label | None = None
    to_agent: Id | None = None


class ChatEnded(Touchpoint, frozen=True, kw_only=True, tag="chat.ended"):
    """The conversation is over."""

    duration_ms: Millis | None = None
    abandoned: bool = False


Chat = ChatStarted | ChatMessage | ChatHandedOff | ChatEnded
