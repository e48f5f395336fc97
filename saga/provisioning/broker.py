"""The broker's side, through its management API: compare what exists with the topology, and make what is missing."""

import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import httpx

from saga.errors import ProvisioningFailed
from saga.provisioning.change import Change
from saga.topology import NO_TOPIC, Binding, Exchange, Policy, Queue, Topology, User


class Management:
    """A client of RabbitMQ's management API for one vhost.

    `url` has an administrator's credentials. Raises ProvisioningFailed when it doesn't answer or refuses.
    """

    def __init__(self, url: str, vhost: str = "/") -> None:
        parts = urlsplit(url)
        self._address = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], "", "", ""))
        self._auth = (unquote(parts.username or ""), unquote(parts.password or ""))
        self._tls = ssl.create_default_context()  # made once: it takes longer than a request
        self._vhost = vhost
        self._in_vhost = quote(vhost, safe="")

    async def changes(self, wanted: Topology, passwords: Mapping[str, str], prefix: str = "") -> list[Change]:
        """What is missing or different, in the order in which it can be made. Users are `prefix` + their name."""
        if self._vhost not in {vhost["name"] for vhost in await self._get("vhosts")}:
            existing = _Existing()
            vhost = [Change("create", "vhost", self._vhost, partial(self._put, f"vhosts/{self._in_vhost}", {}))]
        else:
            existing = await self._existing()
            vhost = []
        users = {user["name"] for user in await self._get("users")}
        return [
            *vhost,
            *self._missing_exchanges(wanted, existing),
            *self._missing_policies(wanted, existing),
            *self._missing_queues(wanted, existing),
            *self._missing_bindings(wanted, existing),
            *self._missing_users(wanted, existing, users, passwords, prefix),
        ]

    async def superfluous(self, wanted: Topology) -> list[str]:
        """What exists in the vhost though the topology doesn't know it."""
        existing = await self._existing()
        exchanges = {name for name in existing.exchanges if name and not name.startswith("amq.")}
        bindings = {b for b in existing.bindings if b.exchange}
        return sorted(
            [f"exchange {name}" for name in exchanges - {e.name for e in wanted.exchanges}]
            + [f"queue {name}" for name in existing.queues.keys() - {q.name for q in wanted.queues}]
            + [f"binding {b.exchange} → {b.queue} ({b.routing_key})" for b in bindings - set(wanted.bindings)]
        )

    async def queue_counts(self) -> dict[str, int]:
        """Messages in each queue, ready or in hand."""
        return {name: queue.get("messages", 0) for name, queue in (await self._existing()).queues.items()}

    async def messages(self) -> dict[str, int | None]:
        """Messages in each queue, ready or in hand, as some seconds ago; None, as long as the broker can't tell."""
        return {queue["name"]: queue.get("messages") for queue in await self._get(f"queues/{self._in_vhost}")}

    async def delete_vhost(self) -> None:
        await self._request("DELETE", f"vhosts/{self._in_vhost}")

    async def delete_user(self, name: str) -> None:
        await self._request("DELETE", f"users/{quote(name, safe='')}")

    async def permit(self, user: str, configure: str, write: str, read: str) -> None:
        rights = {"configure": configure, "write": write, "read": read}
        await self._put(f"permissions/{self._in_vhost}/{quote(user, safe='')}", rights)

    def _missing_exchanges(self, wanted: Topology, existing: "_Existing") -> Iterator[Change]:
        for exchange in wanted.exchanges:
            if exchange.name not in existing.exchanges:
                yield Change("create", "exchange", exchange.name, partial(self._put_exchange, exchange))
            elif not _same(exchange, existing.exchanges[exchange.name]):
                yield Change("replace", "exchange", exchange.name, partial(self._refuse_exchange, exchange))

    def _missing_policies(self, wanted: Topology, existing: "_Existing") -> Iterator[Change]:
        for policy in wanted.policies:
            found = existing.policies.get(policy.name)
            if found is None or (found["pattern"], found["definition"]) != (policy.pattern, policy.definition):
                action = "create" if found is None else "update"
                yield Change(action, "policy", policy.name, partial(self._put_policy, policy))

    def _missing_queues(self, wanted: Topology, existing: "_Existing") -> Iterator[Change]:
        for queue in wanted.queues:
            if queue.name not in existing.queues:
                yield Change("create", "queue", queue.name, partial(self._put_queue, queue))

    def _missing_bindings(self, wanted: Topology, existing: "_Existing") -> Iterator[Change]:
        for binding in wanted.bindings:
            if binding not in existing.bindings:
                name = f"{binding.exchange} → {binding.queue} ({binding.routing_key})"
                yield Change("create", "binding", name, partial(self._post_binding, binding))

    def _missing_users(
        self, wanted: Topology, existing: "_Existing", users: set[str], passwords: Mapping[str, str], prefix: str
    ) -> Iterator[Change]:
        for user in wanted.users:
            name = prefix + user.name
            action = "set password of" if name in users else "create"
            yield Change(action, "user", name, partial(self._put_user, name, passwords[user.name]))
            if existing.permissions.get(name) != (user.configure, user.write, user.read):
                yield Change("grant", "permissions of", name, partial(self._put_permissions, name, user))
            if user.exchange and (name, user.exchange, ".*", NO_TOPIC) not in existing.topics:
                yield Change("grant", "topic permissions of", name, partial(self._put_topics, name, user))

    async def _existing(self) -> "_Existing":
        vhost = self._in_vhost
        queues = await self._get(f"queues/{vhost}")
        passing = {q["name"] for q in queues if q["exclusive"]}  # a connection's own, which end with it
        return _Existing(
            exchanges={e["name"]: e for e in await self._get(f"exchanges/{vhost}")},
            queues={q["name"]: q for q in queues if q["name"] not in passing},
            bindings={
                Binding(b["source"], b["destination"], b["routing_key"])
                for b in await self._get(f"bindings/{vhost}")
                if b["destination"] not in passing
            },
            policies={p["name"]: p for p in await self._get(f"policies/{vhost}")},
            permissions={
                p["user"]: (p["configure"], p["write"], p["read"])
                for p in await self._get(f"vhosts/{vhost}/permissions")
            },
            topics={
                (t["user"], t["exchange"], t["write"], t["read"])
                for t in await self._get(f"vhosts/{vhost}/topic-permissions")
            },
        )

    async def _put_exchange(self, exchange: Exchange) -> None:
        arguments = {"alternate-exchange": exchange.alternate} if exchange.alternate else {}
        body = {"type": exchange.kind, "durable": True, "arguments": arguments}
        await self._put(f"exchanges/{self._in_vhost}/{exchange.name}", body)

    async def _refuse_exchange(self, exchange: Exchange) -> None:
        """Replacing it would drop its bindings, and with them messages: a person has to decide that."""
        raise ProvisioningFailed(
            f"exchange {exchange.name!r} exists with other properties than {exchange.kind}, durable, "
            f"alternate exchange {exchange.alternate!r}: delete it when no service is running, and provision again"
        )

    async def _put_queue(self, queue: Queue) -> None:
        body = {"durable": True, "arguments": {"x-queue-type": "quorum"}}
        await self._put(f"queues/{self._in_vhost}/{queue.name}", body)

    async def _put_policy(self, policy: Policy) -> None:
        body = {"pattern": policy.pattern, "definition": policy.definition, "apply-to": "queues", "priority": 10}
        await self._put(f"policies/{self._in_vhost}/{policy.name}", body)

    async def _post_binding(self, binding: Binding) -> None:
        path = f"bindings/{self._in_vhost}/e/{binding.exchange}/q/{binding.queue}"
        await self._request("POST", path, {"routing_key": binding.routing_key})

    async def _put_user(self, name: str, password: str) -> None:
        await self._put(f"users/{quote(name, safe='')}", {"password": password, "tags": ""})

    async def _put_permissions(self, name: str, user: User) -> None:
        await self.permit(name, user.configure, user.write, user.read)

    async def _put_topics(self, name: str, user: User) -> None:
        rights = {"exchange": user.exchange, "write": ".*", "read": NO_TOPIC}
        await self._put(f"topic-permissions/{self._in_vhost}/{quote(name, safe='')}", rights)

    async def _get(self, path: str) -> list[dict[str, Any]]:
        response = await self._request("GET", path)
        listed: list[dict[str, Any]] = response.json()
        return listed

    async def _put(self, path: str, body: Mapping[str, Any]) -> None:
        await self._request("PUT", path, body)

    async def _request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> httpx.Response:
        try:
            async with httpx.AsyncClient(auth=self._auth, timeout=30, verify=self._tls) as client:
                response = await client.request(method, f"{self._address}/api/{path}", json=body)
        except httpx.HTTPError as error:
            raise ProvisioningFailed(f"the management API at {self._address} does not answer ({error})") from error
        if response.is_error:
            raise ProvisioningFailed(
                f"the management API at {self._address} refuses {method} {path}: {response.status_code} {response.text}"
            )
        return response


@dataclass(frozen=True)
class _Existing:
    """What the vhost holds now."""

    exchanges: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    queues: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    bindings: set[Binding] = field(default_factory=set)
    policies: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    permissions: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)
    topics: set[tuple[str, str, str, str]] = field(default_factory=set)


def _same(wanted: Exchange, found: Mapping[str, Any]) -> bool:
    alternate = found["arguments"].get("alternate-exchange")
    return (found["type"], found["durable"], alternate) == (wanted.kind, True, wanted.alternate)
