"""The search engine: the only module that knows OpenSearch.

Every answer is looked at: each item of a bulk, each shard of a search. Nothing is retried here;
who feeds backs off, and who searches turns to PostgreSQL. TLS is verified, host name included,
and a password never goes over a connection without it.
"""

import logging
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from opensearchpy import OpenSearch
from opensearchpy.exceptions import (
    AuthenticationException,
    AuthorizationException,
    NotFoundError,
    OpenSearchException,
    RequestError,
    SSLError,
    TransportError,
)

from audit.search.documents import EPOCH, MAPPING, SEQUENCE
from audit.search.engine_answers import Answer, Hit, Outcome
from cdp.kernel.errors import BadInput, Refused, Unavailable
from cdp.kernel.json_values import Json, JsonObject

PREFIX = "cdp-audit"
BULK_SECONDS, ASK_SECONDS = 60.0, 10.0
SCAN_PAGE, SCAN_KEPT = 2000, "2m"
SHARD_BINS = 5_000  # values of a field that each month counts, so that the sum over months is exact
_BUSY = (429, 503)

SETTINGS: Mapping[str, Json] = {
    "number_of_shards": 1,
    # One node has nowhere to put a copy, two have.
    "auto_expand_replicas": "0-1",
    "refresh_interval": "5s",
}


class SearchUnavailable(Unavailable, http=False):
    """The search engine does not answer; the log is whole, and PostgreSQL is searched meanwhile."""


class SearchBusy(SearchUnavailable, http=False):
    """The search engine has more to do than it can; what it did not take is sent again later."""


class SearchCertificate(SearchUnavailable, http=False):
    """The search engine's certificate is not vouched for by CDP_SEARCH_CA, or is another host's."""


class SearchCredentials(SearchUnavailable, http=False):
    """The search engine does not let this user do this; check CDP_SEARCH_USER and CDP_SEARCH_PASSWORD."""


class SearchReadOnly(SearchUnavailable, http=False):
    """The search engine takes no documents: its disk, an index or this user is blocked. Nothing is lost."""


class NotOpenSearch(SearchUnavailable, http=False):
    """What answers at CDP_SEARCH_URL is no OpenSearch; check the URL, and what stands in between."""


class ForeignIndex(Refused, http=False):
    """An index of the search engine's has another shape than ours; delete it, then `cdp audit rebuild`."""


class SearchUrl(BadInput, http=False):
    """CDP_SEARCH_URL is http:// or https:// and a host, without a user, a password or a query in it."""


class PasswordInClear(Refused, http=False):
    """A user and a password for search need an https:// URL: without TLS anybody could read them."""


class HalfCredentials(Refused, http=False):
    """Set CDP_SEARCH_USER and CDP_SEARCH_PASSWORD together, or neither."""


class UnreadableCa(Refused, http=False):
    """The file that CDP_SEARCH_CA names holds no certificate that can be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What became of one document of a bulk."""

    status: int
    reason: str  # the engine's word for what is wrong; empty where nothing is

    @property
    def settled(self) -> bool:
        """Whether the engine has it; a conflict says that it has this version or a newer one."""
        return self.status in (200, 201, 409)

    @property
    def busy(self) -> bool:
        """Whether it is to be sent again later."""
        return self.status in _BUSY

    @property
    def gone(self) -> bool:
        """Whether its index was taken away."""
        return self.status == 404

    @property
    def unfit(self) -> bool:
        """Whether it is refused for what it is, and not for what the engine is just now."""
        return self.status == 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A document as the engine has it."""

    index: str
    id: str
    version: int
    source: Mapping[str, Json] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search came to: places in the log, newest first, how many there are, counts by field."""

    places: Sequence[tuple[int, int]]
    total: int
    facets: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One document to put (with its content) or to delete (without)."""

    index: str
    id: str
    version: int
    source: bytes | None = field(repr=False)

    def lines(self) -> bytes:
        """The action as a bulk says it."""
        head = {"_index": self.index, "_id": self.id, "version": self.version, "version_type": "external"}
        if self.source is None:
            return msgspec.json.encode({"delete": head}) + b"\n"
        return msgspec.json.encode({"index": head}) + b"\n" + self.source + b"\n"


@dataclass(frozen=True, slots=True)
class Engine:
    """One cluster, by its client."""

    client: OpenSearch = field(repr=False)

    def cluster(self) -> str:
        """The cluster's own id: another one has none of our documents."""
        with _translated():
            return str(self.client.info(params=_within(ASK_SECONDS))["cluster_uuid"])

    def prepare(self) -> None:
        """Have every index of ours made in our shape, even one that the engine makes by itself."""
        body = {
            "index_patterns": [f"{PREFIX}-*"],
            "priority": 500,
            "template": {"settings": {"index": dict(SETTINGS)}, "mappings": dict(MAPPING)},
        }
        with _translated():
            self.client.indices.put_index_template(name=PREFIX, body=body, params=_within(ASK_SECONDS))

    def ensure(self, index: str) -> None:
        """Have an index of exactly our shape. Raises `ForeignIndex` for one of another."""
        with _translated():
            with suppress(RequestError):
                if not self.client.indices.exists(index=index, params=_within(ASK_SECONDS)):
                    body = {"settings": {"index": dict(SETTINGS)}, "mappings": dict(MAPPING)}
                    self.client.indices.create(index=index, body=body, params=_within(ASK_SECONDS))
            found = self.client.indices.get_mapping(index=index, params=_within(ASK_SECONDS))
            shapes = [one.get("mappings") for one in found.values()]
        if not shapes:
            raise NotOpenSearch
        if shapes != [dict(MAPPING)]:
            raise ForeignIndex

    def bulk(self, actions: Sequence[Action]) -> list[Sent]:
        """Put and delete; what became of each, in order. Raises `SearchBusy` for a refusal as a whole."""
        body = b"".join([action.lines() for action in actions])
        params = {**_within(BULK_SECONDS), "filter_path": "items.*.status,items.*.error.type"}
        with _translated():
            answer = self.client.bulk(body=body, params=params)
            sent = [_sent(item) for item in answer.get("items", ())]
        if len(sent) != len(actions):
            # An answer that does not speak of each document says nothing of any.
            raise SearchUnavailable
        return sent

    def refresh(self, indices: str) -> None:
        """Make everything that was put findable."""
        with _translated():
            self.client.indices.refresh(index=indices, params=_lenient(ASK_SECONDS))

    def count(self, indices: str) -> dict[str, int]:
        """How many documents each of `indices` holds, those included that cannot be found yet."""
        self.refresh(indices)
        with _translated(), suppress(NotFoundError):
            found = self.client.indices.stats(index=indices, metric="docs", params=_within(ASK_SECONDS))
            return {name: int(one["primaries"]["docs"]["count"]) for name, one in found["indices"].items()}
        return {}

    def drop(self, index: str) -> None:
        """Delete an index; one that is not there is deleted already."""
        with _translated(), suppress(NotFoundError):
            self.client.indices.delete(index=index, params=_within(BULK_SECONDS))

    def find(
        self,
        indices: str,
        *,
        filters: Sequence[Mapping[str, Json]],
        after: tuple[int, int] | None,
        size: int,
        facets: Mapping[str, str],
        bins: int,
    ) -> Found:
        """The places of the documents that pass all of `filters`, newest first, below `after`.

        Counts are those of all that pass, whatever `after` is; `facets` maps names to fields, and
        one that has more values than a shard counts is left out, for its counts would be guesses.
        Raises `SearchUnavailable` too where a shard does not answer: a part is not an answer.
        """
        body: JsonObject = {
            "size": size,
            "query": {"bool": {"filter": list(filters)}},
            "sort": [{EPOCH: "desc"}, {SEQUENCE: "desc"}],
            "track_total_hits": True,
            "_source": False,
            "aggs": {name: {"terms": _terms(path, bins)} for name, path in facets.items()},
        }
        if after is not None:
            body["search_after"] = list(after)
        with _translated():
            answer = self.client.search(index=indices, body=body, params=_lenient(ASK_SECONDS))
            _whole(answer)
            return Found(
                places=[(int(hit["sort"][0]), int(hit["sort"][1])) for hit in answer["hits"]["hits"]],
                total=int(answer["hits"]["total"]["value"]),
                facets={
                    name: {str(one["key"]): int(one["doc_count"]) for one in found["buckets"]}
                    for name, found in answer.get("aggregations", {}).items()
                    if not found["doc_count_error_upper_bound"]
                },
            )

    def get(self, places: Sequence[tuple[str, str]]) -> list[Stored]:
        """The documents at these (index, id), as far as they are there, as they were last put."""
        if not places:
            return []
        body = {"docs": [{"_index": index, "_id": name} for index, name in places]}
        with _translated():
            answer = self.client.mget(body=body, params=_within(ASK_SECONDS))
            return [_stored(hit) for hit in answer["docs"] if hit.get("found")]

    def scan(self, indices: str) -> Iterator[list[Stored]]:
        """Every document of `indices`, in pages, as of now."""
        with _translated():
            params = {**_lenient(BULK_SECONDS), "scroll": SCAN_KEPT}
            body = {"size": SCAN_PAGE, "sort": ["_doc"], "version": True}
            answer = self.client.search(index=indices, body=body, params=params)
        try:
            while True:
                with _translated():
                    _whole(answer)
                    page = [_stored(hit) for hit in answer["hits"]["hits"]]
                if not page:
                    return
                yield page
                with _translated():
                    answer = self.client.scroll(
                        body={"scroll_id": answer["_scroll_id"], "scroll": SCAN_KEPT},
                        params=_within(BULK_SECONDS),
                    )
        finally:
            # Without an index there is no scroll either; and one that stays ends by itself.
            with suppress(OpenSearchException, LookupError, TypeError):
                self.client.clear_scroll(body={"scroll_id": [answer["_scroll_id"]]})


def connect(url: str, *, user: str = "", password: str = "", ca: Path | None = None) -> Engine:
    """The engine at `url`; asks it nothing yet. `ca`: who vouches for it, else the system's own.

    Raises `SearchUrl`, `PasswordInClear`, `HalfCredentials`, `UnreadableCa`.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise SearchUrl(field="search_url") from None
    extra = parts.username or parts.password or parts.query or parts.fragment
    if parts.scheme not in ("http", "https") or not parts.hostname or extra:
        raise SearchUrl(field="search_url")
    if bool(user) != bool(password):
        raise HalfCredentials(field="search_user")
    secure = parts.scheme == "https"
    if user and not secure:
        raise PasswordInClear(field="search_url")
    # It would print what was asked, and each failure at every attempt; errors of ours say enough.
    logging.getLogger("opensearch").setLevel(logging.CRITICAL)
    host = {"host": parts.hostname, "port": port or (443 if secure else 80), "url_prefix": parts.path}
    context = _context(ca) if secure else None
    try:
        client = OpenSearch(
            hosts=[host],
            http_auth=(user, password) if user else None,
            use_ssl=secure,
            ssl_context=context,
            max_retries=0,
            retry_on_timeout=False,
            pool_maxsize=4,
        )
    except ValueError:
        # A host that the client cannot read, such as one with a blank in it.
        raise SearchUrl(field="search_url") from None
    return Engine(client)


def _context(ca: Path | None) -> ssl.SSLContext:
    """TLS 1.2 or newer, with chain and host name verified."""
    try:
        context = ssl.create_default_context(cafile=str(ca) if ca else None)
    except (OSError, ssl.SSLError):
        raise UnreadableCa(field="search_ca") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _within(seconds: float) -> JsonObject:
    return {"request_timeout": seconds}


def _lenient(seconds: float) -> JsonObject:
    """Before the first entry there is no index, and that is no error."""
    return {**_within(seconds), "ignore_unavailable": "true", "allow_no_indices": "true"}


def _terms(path: str, bins: int) -> JsonObject:
    """A count by the values of a field, the most frequent first."""
    order = [{"_count": "desc"}, {"_key": "asc"}]
    return {"field": path, "size": bins, "shard_size": max(bins, SHARD_BINS), "order": order}


def _whole(answer: Answer) -> None:
    """Raise `SearchUnavailable` for an answer that not every shard has given."""
    if answer["timed_out"] or answer["_shards"]["failed"]:
        raise SearchUnavailable


def _sent(item: Mapping[str, Outcome]) -> Sent:
    (result,) = item.values()
    status, error = int(result["status"]), str(result.get("error", {}).get("type", ""))
    if set(item) == {"delete"} and status == 404 and not error:
        # There was nothing to delete, which is what was asked for.
        return Sent(status=200, reason="")
    return Sent(status=status, reason=error)


def _stored(hit: Hit) -> Stored:
    return Stored(
        index=hit["_index"], id=hit["_id"], version=int(hit.get("_version", 1)), source=hit.get("_source", {})
    )


@contextmanager
def _translated() -> Iterator[None]:
    """The engine's errors as ours, which quote nothing."""
    try:
        yield
    except (AuthenticationException, AuthorizationException):
        raise SearchCredentials from None
    except SSLError:
        raise SearchCertificate from None
    except TransportError as error:
        status = _status(error)
        raise (SearchBusy if status in _BUSY else SearchUnavailable)() from None
    except OpenSearchException:
        raise SearchUnavailable from None
    except (LookupError, TypeError, ValueError, AttributeError):
        # A page of a proxy's, another server: what OpenSearch always says is not in it.
        raise NotOpenSearch from None


def _status(error: TransportError) -> int:
    return error.status_code if isinstance(error.status_code, int) else 0
