"""Draws the curves of ``tests.bench.growth``, whose lines come on standard input, into the folder given."""

import json
import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
import matplotlib.pyplot as plt

NAMES = {
    "customers": "customers",
    "windows": "windows",
    "rules": "rules",
    "segments": "products (segments of one dimension)",
    "batch": "records of a micro-batch, at most",
    "workers": "workers",
    "bytes": "bytes of a touchpoint",
    "load": "touchpoints per second",
}


def main() -> None:
    found, folder = json.load(sys.stdin), Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    mpl.rcParams.update(
        {"svg.hashsalt": "cxstream", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
    )
    for way in dict.fromkeys(each["way"] for each in found):
        points = [each for each in found if each["way"] == way]
        figure, axes = plt.subplots(figsize=(4.2, 2.6), layout="constrained")
        at = [point["at"] for point in points]
        if way == "load":
            axes.plot(at, [point["p50_ms"] for point in points], "o-", label="p50")
            axes.plot(at, [point["p99_ms"] for point in points], "o-", label="p99")
            axes.set_ylabel("ms from event to alert")
            axes.legend(frameon=False)
        else:
            axes.plot(at, [point["cpu_us"] for point in points], "o-")
            axes.set_ylabel("CPU µs per touchpoint")
        if max(at) >= 20 * min(at):
            axes.set_xscale("log")
        else:
            axes.set_xticks(at)
        axes.set_ylim(bottom=0)
        axes.set_xlabel(NAMES[way])
        figure.savefig(folder / f"{way}.svg", metadata={"Date": None})
        plt.close(figure)


if __name__ == "__main__":
    main()
