"""Every kind of case there is. A new one is a file in this folder and a line here."""

from typing import Any

from stream.cases.account import AccountKind
from stream.cases.answer import AnswerKind
from stream.cases.cart import CartKind
from stream.cases.case import Case, Contribution, Contributions, Kind, KindOf
from stream.cases.email import EmailKind
from stream.cases.order import OrderKind
from stream.cases.shopper import ShopperKind
from stream.cases.ticket import TicketKind
from stream.cases.topic import TopicKind
from stream.cases.trial import TrialKind
from stream.cases.wait import WaitKind

KINDS: tuple[type[KindOf[Any, Any]], ...] = (
    TicketKind,
    TopicKind,
    AnswerKind,
    OrderKind,
    ShopperKind,
    EmailKind,
    WaitKind,
    TrialKind,
    CartKind,
    AccountKind,
)

__all__ = ["KINDS", "AnswerKind", "Case", "Contribution", "Contributions", "Kind", "KindOf", "TicketKind"]
