"""Contacts: the times that a customer turned to us."""

from collections.abc import Iterator

from stream.friction import mark
from stream.friction.mark import Mark, Marks, of_kinds

KINDS = (mark.CHAT, mark.CALL, mark.MAIL, mark.OPENED, mark.REOPENED)


def contacts(marks: Marks, apart_ms: int) -> Iterator[Mark]:
    """The first mark of each contact, in order: what follows on the same channel less than ``apart_ms`` after the one
    before belongs to it, as a ticket does that is opened for an email.
    """
    last_ms: dict[str, int] = {}
    for each in of_kinds(marks, KINDS):
        if each.number:
            continue  # it was not the customer
        before_ms = last_ms.get(each.channel)
        last_ms[each.channel] = each.time_ms
        if before_ms is None or each.time_ms - before_ms >= apart_ms:
            yield each
