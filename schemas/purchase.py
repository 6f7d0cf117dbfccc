"""Orders: paid, given back, failed."""

from schemas.touchpoint import Currency, Id, MinorUnits, Name, Touchpoint


class _Purchase(Touchpoint, frozen=True, kw_only=True):
    order: Id
    amount: MinorUnits
    currency: Currency


class PurchaseCompleted(_Purchase, frozen=True, kw_only=True, tag="purchase.completed"):
    """The customer paid. ``referral`` names who sent them, where somebody did."""

    items: int | None = None
    cart: Id | None = None
    referral: Id | None = None
    by_customer = True


class PurchaseRefunded(_Purchase, frozen=True, kw_only=True, tag="purchase.refunded"):
    """We gave money back: ``amount`` of it."""


class PurchaseFailed(_Purchase, frozen=True, kw_only=True, tag="purchase.failed"):
    """The customer tried to pay and could not."""

    error: Name | None = None
    by_customer = True


Purchase = PurchaseCompleted | PurchaseRefunded | PurchaseFailed
