"""What the simulated company sells, where, and the words its customers use."""

from collections.abc import Mapping
from typing import Final

PRODUCTS: Final[Mapping[str, int]] = {
    "phone": 69_900,
    "tablet": 44_900,
    "laptop": 119_900,
    "watch": 27_900,
    "headphones": 14_900,
    "speaker": 9_900,
    "camera": 54_900,
    "console": 49_900,
    "router": 12_900,
    "streaming": 1_299,
    "insurance": 2_499,
    "accessories": 2_900,
}
"""Product → list price in minor units."""

CURRENCIES: Final[Mapping[str, str]] = {"eu": "EUR", "us": "USD", "apac": "SGD", "latam": "BRL"}
REFERRERS: Final = ("search", "search", "direct", "newsletter", "social", "advert", "partner")
DEVICES: Final = ("desktop", "desktop", "desktop", "mobile", "mobile", "mobile", "mobile", "tablet")
APP_VERSION: Final = "4.9.2"
BROKEN_APP_VERSION: Final = "5.0.0"
ERRORS: Final = ("not_found", "search_unavailable", "image_missing", "session_expired")
TEAMS: Final = ("billing", "orders", "returns", "technical")
TOPICS: Final[Mapping[str, tuple[str, ...]]] = {
    "billing": ("invoice", "double_charge", "payment_method"),
    "orders": ("delivery_late", "wrong_item", "change_address"),
    "returns": ("refund_missing", "return_label"),
    "technical": ("login", "setup", "defect", "app_crash"),
}
PRIORITIES: Final = ("low", "normal", "normal", "normal", "high", "urgent")
CAMPAIGNS: Final = ("spring_sale", "new_arrivals", "loyalty_points", "win_back", "product_tips")
NETWORKS: Final = ("mastodon", "instagram", "reddit", "x", "tiktok")
PLANS: Final = ("basic", "plus", "premium")
CANCELLATIONS: Final = ("price", "not_used", "competitor", "service", "moved")
QUESTIONS: Final = (
    "Where is my order?",
    "I was charged twice.",
    "How do I set this up?",
    "It stopped working yesterday.",
    "I would like to send it back.",
    "Can you change the delivery address?",
    "My password does not work any more.",
)
REPLIES: Final = (
    "Let me look into that for you.",
    "I have found your order, one moment please.",
    "Could you tell me the serial number?",
    "I have sent you a confirmation by email.",
    "That is done. Is there anything else?",
)
