"""Adding up counters: signed integers by name, where an absent one is 0."""

from collections.abc import Iterable, Mapping

Counters = dict[str, int]


def add(total: Counters, delta: Mapping[str, int]) -> None:
    """Add ``delta`` to ``total`` in place. A counter that becomes 0 goes, so that equal counts have equal bytes.

    >>> total = {"a": 1, "b": 2}
    >>> add(total, {"a": -1, "c": 3})
    >>> total
    {'b': 2, 'c': 3}
    """
    if not total and 0 not in delta.values():
        total.update(delta)
        return
    for name, count in delta.items():
        value = total.get(name, 0) + count
        if value:
            total[name] = value
        else:
            total.pop(name, None)


def difference(old: Mapping[str, int], new: Mapping[str, int]) -> Counters:
    """By how much counters have moved; to ``{}`` it is what takes them away.

    >>> difference({"a": 1, "b": 2}, {"b": 5, "c": 1})
    {'b': 3, 'c': 1, 'a': -1}
    >>> difference({"a": 1}, {})
    {'a': -1}
    """
    if not old:
        return dict(new)
    moved = {name: count - old.get(name, 0) for name, count in new.items() if count != old.get(name)}
    if not old.keys() <= new.keys():
        moved.update((name, -count) for name, count in old.items() if name not in new)
    return moved


def merged(many: Iterable[Mapping[str, int]]) -> Counters:
    """The sum of many, in any order the same."""
    total: Counters = {}
    for counters in many:
        add(total, counters)
    return total


def with_prefix(counters: Mapping[str, int], prefix: str) -> dict[str, int]:
    """The counters whose name begins with ``prefix``, without it."""
    return {name[len(prefix) :]: count for name, count in counters.items() if name.startswith(prefix)}
