"""Visits to a web site or an app."""

from typing import Literal

from schemas.touchpoint import Currency, Id, Millis, MinorUnits, Name, Touchpoint


class _Visit(Touchpoint, frozen=True, kw_only=True):
    device: Literal["desktop", "mobile", "tablet", "other"] | None = None
    by_customer = True


class PageViewed(_Visit, frozen=True, kw_only=True, tag="visit.page"):
    """The customer saw a page."""

    page: Name
    referrer: Name | None = None
    load_ms: Millis | None = None


class AppUsed(_Visit, frozen=True, kw_only=True, tag="visit.app"):
    """The customer saw a screen of the app."""

    screen: Name
    version: Name | None = None
    load_ms: Millis | None = None


class CartChanged(_Visit, frozen=True, kw_only=True, tag="visit.cart"):
    """The customer put something in the cart or took it out."""

    cart: Id | None = None
    action: Literal["added", "removed", "viewed", "checkout"] = "added"
    amount: MinorUnits | None = None
    currency: Currency | None = None


class ErrorSeen(_Visit, frozen=True, kw_only=True, tag="visit.error"):
    """Something broke in front of the customer."""

    error: Name
    page: Name | None = None
    crash: bool = False


class LoadTimed(_Visit, frozen=True, kw_only=True, tag="visit.load"):
    """How long a page took until it could be used."""

    page: Name
    load_ms: Millis
    by_customer = False


Visit = PageViewed | AppUsed | CartChanged | ErrorSeen | LoadTimed
