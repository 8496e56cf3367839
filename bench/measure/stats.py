"""Medians, intervals by bootstrap, and percentiles of merged histograms."""

import random

RESAMPLES = 2000
SEED = 20261124


def median(values: list[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2


def interval(values: list[float]) -> tuple[float, float]:
    """95 % of the medians of samples drawn anew from the values. Of few values it is their range:
    then it says how far they lie apart, and no more."""
    if len(values) < 2:
        return values[0], values[0]
    chance = random.Random(SEED)
    medians = sorted(median(chance.choices(values, k=len(values))) for _ in range(RESAMPLES))
    return medians[int(RESAMPLES * 0.025)], medians[int(RESAMPLES * 0.975) - 1]


def merge(histograms: list[list]) -> list[tuple[int, int]]:
    """Buckets of several windows as one set: (nanoseconds, count), in order."""
    merged: dict[int, int] = {}
    for buckets in histograms:
        for ns, count in buckets:
            merged[ns] = merged.get(ns, 0) + count
    return sorted(merged.items())


def quantile_us(buckets: list[tuple[int, int]], quantile: float) -> float | None:
    total = sum(count for _, count in buckets)
    if not total:
        return None
    wanted, seen = quantile * total, 0
    for ns, count in buckets:
        seen += count
        if seen >= wanted:
            return ns / 1e3
    return buckets[-1][0] / 1e3
