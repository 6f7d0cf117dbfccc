"""Who customers are: that two ids are one person's."""

from schemas.touchpoint import Id, Touchpoint


class CustomerIdentified(Touchpoint, frozen=True, kw_only=True, tag="customer.identified"):
    """``customer`` is also ``previous``: a browser before its user signed in, or an id of another system.

    From then on they are one customer, and so are all ids that are joined to either.
    """

    previous: Id


Identity = CustomerIdentified
"""What tells who a customer is."""
