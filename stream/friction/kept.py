"""What is kept of one customer's friction."""

from msgspec import Struct, field, msgpack

from schemas.alert import FrictionAlert
from stream.friction.mark import Marks

_encode = msgpack.Encoder(order="deterministic").encode  # in what order marks went and came again makes no difference


class Friction(Struct, array_like=True):
    """The marks, with the ``dimensions`` that their values are of; the alerts that are ``firing``, by signal; and of
    those that are not, how often each has fired and when it was last ``resolved``.

    ``due_ms`` is when it is to be looked at again, ``touched_ms`` the watermark when the last mark came, ``course``
    what it was judged by.
    """

    marks: Marks = field(default_factory=dict)
    dimensions: tuple[str, ...] = ()
    firing: dict[str, FrictionAlert] = field(default_factory=dict)
    resolved: dict[str, tuple[int, int]] = field(default_factory=dict)
    due_ms: int = 0
    touched_ms: int = 0
    course: int = 0

    def encode(self) -> bytes:
        return _encode(self)


decode = msgpack.Decoder(Friction).decode
