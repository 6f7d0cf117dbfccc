"""Every friction signal there is. A new one is a file in this folder and a line here."""

from stream.config import Config
from stream.friction.app_crash import AppCrash
from stream.friction.bot_loop import BotLoop
from stream.friction.broken_on_mobile import BrokenOnMobile
from stream.friction.cart_abandoned import CartAbandoned
from stream.friction.channel_hopping import ChannelHopping
from stream.friction.churn_risk import ChurnRisk
from stream.friction.detractor_answer import DetractorAnswer
from stream.friction.dissatisfied_answer import DissatisfiedAnswer
from stream.friction.hard_answer import HardAnswer
from stream.friction.impersonal import Impersonal
from stream.friction.long_wait import LongWait
from stream.friction.payment_failed import PaymentFailed
from stream.friction.repeat_contact import RepeatContact
from stream.friction.repeated_error import RepeatedError
from stream.friction.signal import Signal
from stream.friction.slow_first_reply import SlowFirstReply
from stream.friction.slow_page import SlowPage
from stream.friction.ticket_overdue import TicketOverdue
from stream.friction.ticket_reopened import TicketReopened
from stream.friction.too_many_messages import TooManyMessages

SIGNALS: dict[str, type[Signal]] = {
    signal.name: signal
    for signal in (
        RepeatContact,
        ChannelHopping,
        LongWait,
        SlowFirstReply,
        TicketOverdue,
        TicketReopened,
        HardAnswer,
        DissatisfiedAnswer,
        DetractorAnswer,
        CartAbandoned,
        PaymentFailed,
        TooManyMessages,
        SlowPage,
        AppCrash,
        RepeatedError,
        BrokenOnMobile,
        BotLoop,
        Impersonal,
        ChurnRisk,
    )
}
"""By name, in the order in which they are explained."""


def signals(config: Config) -> list[Signal]:
    """Those that a deployment has switched on, as it has set them."""
    return [
        signal(config) for name, signal in SIGNALS.items() if name not in config.friction or config.friction[name].on
    ]
