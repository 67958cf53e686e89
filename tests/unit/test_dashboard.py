"""The dashboard asks for what there is."""

from __future__ import annotations

import json
import pathlib
import re

import pytest

from bot.operating import metrics

OPS = pathlib.Path(__file__).parents[2] / "ops"
DASHBOARD = json.loads((OPS / "grafana.json").read_text("utf-8"))
QUERIES = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
OURS = re.compile(r"\bthreadmate_\w+")


def served() -> dict[str, set[str]]:
    """Every series of `/metrics` with its labels."""
    found: dict[str, set[str]] = {}
    for collector in vars(metrics.create()).values():
        if not hasattr(collector, "describe"):
            continue
        name, kind, labels = collector._name, collector._type, set(collector._labelnames)
        if kind == "counter":
            found[f"{name}_total"] = labels
        elif kind == "histogram":
            found |= {f"{name}_bucket": labels | {"le"}, f"{name}_sum": labels, f"{name}_count": labels}
        else:
            found[name] = labels
    return found


@pytest.mark.parametrize("query", QUERIES)
def test_each_query_names_series_and_labels_that_exist(query: str) -> None:
    """A renamed metric or label breaks a test, not a dashboard."""
    series = served()
    names = OURS.findall(query)
    assert names
    assert set(names) <= set(series)
    labels = set().union(*(series[name] for name in names))
    grouped = {label.strip() for group in re.findall(r"by \(([^)]*)\)", query) for label in group.split(",")}
    matched = {
        label for braces in re.findall(r"\{([^}]*)\}", query) for label in re.findall(r"(\w+)=", braces)
    }
    assert grouped | matched <= labels


def test_every_metric_is_on_it() -> None:
    """What the bot counts can be seen: each metric is in at least one panel."""
    shown = {name for query in QUERIES for name in OURS.findall(query)}
    bases = {re.sub(r"_(bucket|sum|count)$", "", name) for name in shown}
    assert {re.sub(r"_(bucket|sum|count)$", "", name) for name in served()} == bases


def test_legends_and_places_are_whole() -> None:
    """Every legend names grouped labels, and no two panels lie upon each other."""
    places = [tuple(panel["gridPos"].values()) for panel in DASHBOARD["panels"]]
    assert len(set(places)) == len(places)
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            legend = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            assert all(label in target["expr"] for label in legend)
