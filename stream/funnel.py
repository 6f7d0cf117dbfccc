"""The funnel: how many customers came to each stage of the journey, and how many went on, from counted moves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stream.stages import JOINED, LAPSED

Moves = Mapping[tuple[str, str], int]
"""How many customers moved from one stage to another; from ``none`` at the beginning."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One stage. ``reached``: came to it or past it for the first time; ``went_on``: from it to a later one; ``lapsed``
    from it; ``conversion``: of those who reached it, the share that reached the next one. None where there is none, or
    where customers change segments in between. Moves of stages that these settings do not have are left out.
    """

    stage: str
    reached: int
    entered: int
    went_on: int
    lapsed: int
    conversion: float | None


def funnel(moves: Moves, stages: Sequence[str]) -> list[Rung]:
    """The stages in order.

    >>> found = funnel({("none", "awareness"): 10, ("awareness", "purchase"): 4}, ("awareness", "interest", "purchase"))
    >>> [(rung.stage, rung.reached, rung.conversion) for rung in found]
    [('awareness', 10, 0.4), ('interest', 4, 1.0), ('purchase', 4, None)]
    """
    names = list(dict.fromkeys(stages))
    order = {name: at for at, name in enumerate(["none", *names])}
    forward = {(before, to): n for (before, to), n in moves.items() if before in order and to in order}
    reached = {
        name: sum(n for (before, to), n in forward.items() if order[before] < order[name] <= order[to])
        for name in names
    }
    rungs = []
    for name, following in zip(names, [*names[1:], None], strict=True):
        share = reached[following] / reached[name] if following is not None and reached[name] else None
        if share is not None and share > 1:
            share = None  # moves count in the segment of the step: some came from another one
        rungs.append(
            Rung(
                stage=name,
                reached=reached[name],
                entered=sum(n for (_, to), n in moves.items() if to == name),
                went_on=sum(n for (before, to), n in moves.items() if before == name and to not in (LAPSED, JOINED)),
                lapsed=moves.get((name, LAPSED), 0),
                conversion=share,
            )
        )
    return rungs


def standing(moves: Moves) -> dict[str, int]:
    """How many customers are in each stage after all these moves.

    >>> standing({("none", "awareness"): 10, ("awareness", "lapsed"): 3})
    {'awareness': 7, 'lapsed': 3}
    """
    found: dict[str, int] = {}
    for (before, to), number in moves.items():
        found[to] = found.get(to, 0) + number
        if before != "none":
            found[before] = found.get(before, 0) - number
    return {name: number for name, number in found.items() if number and name != JOINED}
