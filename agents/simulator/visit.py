"""Browsing the web site or the app, with what comes of it: cart, checkout, newsletter, errors."""

from agents.simulator.catalogue import (
    APP_VERSION,
    BROKEN_APP_VERSION,
    CURRENCIES,
    DEVICES,
    ERRORS,
    PRODUCTS,
    REFERRERS,
)
from agents.simulator.checkout import check_out
from agents.simulator.incident import Kind
from agents.simulator.scene import Scene
from agents.simulator.survey import ask
from schemas.goal import GoalReached, GoalTried
from schemas.visit import AppUsed, CartChanged, ErrorSeen, LoadTimed, PageViewed


def visit(scene: Scene, channel: str) -> None:
    """A session on ``web`` or ``app``: a few pages, sometimes a cart, sometimes a purchase, sometimes a question."""
    persona = scene.customer.persona
    device = scene.pick(DEVICES) if channel == "web" else "mobile"
    scene.session = scene.number("s")
    look(scene, channel, "home", device, referrer=scene.pick(REFERRERS))
    for _ in range(int(scene.rng.random() * 4)):
        scene.wait(14)
        look(scene, channel, scene.pick(("search", "category", "help", "account")), device)
    if _breaks(scene, channel, device):
        return
    scene.wait(18)
    look(scene, channel, f"product/{scene.product}", device)
    if scene.surge or scene.chance(persona.buys):
        _fill_cart(scene, channel, device)
    elif scene.chance(0.06):
        _sign_up(scene, channel, device)
    elif scene.chance(0.25):
        scene.wait(10)
        ask(scene, channel, "in_the_moment", f"product/{scene.product}", ("csat",))


def look(scene: Scene, channel: str, page: str, device: str, referrer: str | None = None) -> None:
    """See a page or a screen; on the web, its load time is measured apart on some."""
    load_ms = int(scene.rng.lognormvariate(6.6, 0.5))
    if channel == "app":
        broken = scene.trouble("app", Kind.BAD_RELEASE)
        version = BROKEN_APP_VERSION if broken else APP_VERSION
        scene.emit(AppUsed, channel, screen=page, version=version, load_ms=load_ms, device=device, touchpoint=page)
        return
    scene.emit(PageViewed, channel, page=page, referrer=referrer, load_ms=load_ms, device=device, touchpoint=page)
    if scene.chance(0.15):
        scene.wait(load_ms / 1000, 0.1)
        scene.emit(LoadTimed, channel, page=page, load_ms=load_ms, device=device, touchpoint=page)


def _breaks(scene: Scene, channel: str, device: str) -> bool:
    """An error now and then; True if the visit ends here, with a crash of the app."""
    if channel == "app" and (scene.trouble("app", Kind.BAD_RELEASE) or scene.chance(0.004)):
        scene.wait(3)
        scene.emit(ErrorSeen, channel, error="crash", page="product", crash=True, device=device, touchpoint="product")
        scene.wait(15)
        kinds = ("csat", "ces") if scene.chance(0.6) else ("nps",)
        ask(scene, channel, "in_the_moment", "product", kinds, well=False)
        return True
    if scene.chance(0.02):
        scene.wait(2)
        scene.emit(ErrorSeen, channel, error=scene.pick(ERRORS), page="category", device=device, touchpoint="category")
    return False


def _fill_cart(scene: Scene, channel: str, device: str) -> None:
    amount = int(PRODUCTS[scene.product] * scene.customer.persona.spend * (0.8 + 0.4 * scene.rng.random()))
    cart_id = scene.number("b")
    cart = {"cart": cart_id, "amount": amount, "currency": CURRENCIES[scene.customer.region.name]}
    scene.wait(12)
    scene.emit(CartChanged, channel, action="added", device=device, touchpoint="cart", **cart)
    if scene.chance(0.1):
        scene.wait(8)
        scene.emit(CartChanged, channel, action="removed", device=device, touchpoint="cart", **cart)
    elif scene.surge or scene.chance(0.7):
        scene.wait(10)
        scene.emit(CartChanged, channel, action="checkout", device=device, touchpoint="checkout", **cart)
        check_out(scene, channel, device, cart_id, amount)


def _sign_up(scene: Scene, channel: str, device: str) -> None:
    scene.wait(8)
    scene.emit(GoalTried, channel, goal="newsletter_signed_up", touchpoint="newsletter")
    if scene.chance(0.7):
        scene.wait(15)
        scene.emit(GoalReached, channel, goal="newsletter_signed_up", touchpoint="newsletter")
