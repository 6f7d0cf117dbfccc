"""What customers say of us in public."""

from typing import Annotated, Literal

from msgspec import Meta

from schemas.touchpoint import Name, Text, Touchpoint


class ReviewPosted(Touchpoint, frozen=True, kw_only=True, tag="review.posted"):
    """A rated review, on a scale of 1 to 5 stars."""

    rating: Annotated[int, Meta(ge=1, le=5)]
    text: Text | None = None


class SocialMentioned(Touchpoint, frozen=True, kw_only=True, tag="social.mention"):
    """Somebody spoke of us; ``sentiment`` where the source gives one."""

    sentiment: Literal["positive", "neutral", "negative"] | None = None
    network: Name | None = None
    text: Text | None = None


Review = ReviewPosted | SocialMentioned
