"""Values as people read them."""

_SECONDS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


def shown(value: float, unit: str) -> str:
    """A value as people read it.

    >>> shown(0.4567, "ratio"), shown(4.30678, "score"), shown(1.2, "rate"), shown(5025, "seconds"), shown(7846, "")
    ('45.7 %', '4.31', '1.20', '1h 23m', '7,846')
    """
    if unit == "ratio":
        return f"{100 * value:.1f} %"
    if unit == "seconds":
        return duration(value)
    return f"{value:.2f}" if unit in ("score", "rate") else f"{value:,.0f}"


def duration(seconds: float) -> str:
    """A length of time in its two largest units.

    >>> duration(3.25), duration(59.99), duration(90_061), duration(-7200)
    ('3.2s', '1m', '1d 1h', '-2h')
    """
    if abs(seconds) < 10:
        return f"{seconds:.1f}s"
    left, parts = round(abs(seconds)), []
    for letter, length in _SECONDS:
        number, left = divmod(left, length)
        parts.append(f"{number}{letter}" if number else "")
    first = next(index for index, part in enumerate(parts) if part)
    return ("-" if seconds < 0 else "") + " ".join(part for part in parts[first : first + 2] if part)
