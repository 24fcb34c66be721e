"""Change JSON: values, keys, lists, nesting; or its text."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from random import Random
from typing import Any

from fuzz import odd
from fuzz.mutate_text import mutate as mutate_text

# Brackets beyond what Python's parser takes.
_DEEP = 3000


def mutate(random: Random, data: bytes, other: bytes = b"{}") -> bytes:
    """Change a JSON file in one to three places; one file in five is changed as a text."""
    if random.random() < 0.2:
        return mutate_text(random, data, ("null", "NaN", "Infinity", "[", "{", "}", "]"), other)
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        return mutate_text(random, data, ("null",), other)
    for _ in range(random.choice((1, 1, 2, 3))):
        content = mutate_tree(random, content)
    text = json.dumps(content)
    if random.random() < 0.01:
        return text.replace("0", "[" * _DEEP + "]" * _DEEP, 1).encode()
    return text.encode("utf-8", "surrogatepass")


def mutate_tree(random: Random, content: Any) -> Any:
    """Change one value, key or list of a tree of dictionaries and lists."""
    places = _places(content)
    if not places:
        return odd.value(random)
    holder, key = random.choice(places)
    kind = random.random()
    if kind < 0.6:
        holder[key] = odd.value(random)
    elif kind < 0.7:
        del holder[key]
    elif kind < 0.8:
        source, source_key = random.choice(places)
        holder[key] = copy.deepcopy(source[source_key])
    elif kind < 0.9:
        count = random.choice((0, 1, 2, 40))
        holder[key] = [copy.deepcopy(holder[key]) for _ in range(count)]
    elif isinstance(holder, list):
        count = random.choice((1, 2, 40))
        holder[key:key] = [copy.deepcopy(holder[key]) for _ in range(count)]
    else:
        holder[random.choice(odd.WORDS)] = copy.deepcopy(holder[key])
    return content


def _places(content: Any) -> Sequence[tuple[Any, Any]]:
    """List the places of a tree, each a dictionary or list and a key of it."""
    places: list[tuple[Any, Any]] = []
    waiting = [content]
    while waiting:
        holder = waiting.pop()
        if isinstance(holder, dict):
            keys: Sequence[Any] = list(holder)
        elif isinstance(holder, list):
            keys = range(len(holder))
        else:
            continue
        for key in keys:
            places.append((holder, key))
            waiting.append(holder[key])
    return places
