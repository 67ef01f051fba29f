"""Clients of the vendors' libraries, pointed at a world. Nothing else about them is changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import stripe
from slack_sdk import WebClient

T = TypeVar("T")
U = TypeVar("U")


def stripe_client(world: Any, key: str | None = None, **options: Any) -> stripe.StripeClient:
    addresses: Any = {"api": world.rest_url, "files": world.rest_url}
    return stripe.StripeClient(key or world.token, base_addresses=addresses, **options)


def slack_client(world: Any, token: str | None = None, **options: Any) -> WebClient:
    return WebClient(world.token if token is None else token, base_url=f"{world.rest_url}/api/", **options)


def at_once(work: Callable[[T], U], items: Iterable[T]) -> list[U]:
    """The work for all items, sixteen at a time; the first error is raised."""
    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(work, items))
