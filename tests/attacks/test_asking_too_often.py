"""Wearing the API out, or others' welcome at it, by asking often; and by borrowed addresses."""

import pytest
from pydantic import ValidationError
from worlds.api_world import Town, client, serving, source_with_keys, standing_in

from api.http import rates
from api.http.bulkheads import Kind
from api.http.rates import EVENTS, HOME, MOST, WINDOW, Rates, Windows, _home
from cdp.kernel.errors import TooOften
from cdp.kernel.settings import Settings

FEW = {name: 1 for name in Settings.model_fields if name.startswith("rate_")}
ALLOWED = WINDOW  # of one a second
RULE = {"all": []}
ASK = {"rule": RULE, "purpose": "email_marketing", "channel": "email"}
TRACK = {"userId": "user-1", "event": "Seen"}


class Time:
    """A clock that stands until it is moved."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def _one_window(monkeypatch):
    """No window ends during a test, or a slow machine would let more in, and rightly."""
    monkeypatch.setattr(rates, "monotonic", Time())


@pytest.fixture
def strict(system):
    """The platform with the least limits, and enough requests an address for a test."""
    settings = system.settings.model_copy(update=FEW | {"rate_requests": 100})
    with serving(standing_in(system, settings=settings)) as served:
        yield served


def allowed(call) -> list:
    """What is answered until the limit, and what is answered then."""
    answers = [call()]
    while answers[-1].status_code != 429:
        assert len(answers) <= 3 * ALLOWED, "there is no limit"
        answers.append(call())
    return answers


def hold(answers, most: int = ALLOWED) -> None:
    """No more than the limit were let in, and whoever was not is told when to come back."""
    last = answers[-1]

    assert len(answers) - 1 <= most
    assert 1 <= int(last.headers["retry-after"]) <= WINDOW
    assert last.headers["x-ratelimit-reset"] == last.headers["retry-after"]
    assert last.json()["code"] == "too-often"


@pytest.mark.parametrize("right", [True, False])
def test_tokens(strict, workspace, right):
    """Of one address, with whatever secret."""
    made = client(strict.system, workspace, "marketing")
    hold(
        allowed(
            lambda: strict.http.post(
                "/oauth/token",
                data={"grant_type": "client_credentials"},
                auth=(str(made.id), made.secret if right else "nothing"),
            )
        )
    )


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/audiences/preview", ASK),
        (
            "/v1/profiles/query",
            {"namespace": "email", "value": "a@example.org", "purpose": "email_marketing"},
        ),
        ("/v1/consents", {"state": "given"}),
        ("/v1/consents", {"state": "withdrawn"}),
    ],
    ids=["previews", "profiles", "grants", "refusals"],
)
def test_what_a_client_asks(strict, workspace, path, body):
    """Each has a limit of its own, for each client, counted before the database is asked anything."""
    town = Town(strict, workspace)
    headers = town.as_("marketing", "support")

    hold(allowed(lambda: strict.http.post(path, json=body, headers=headers)))


def test_one_clients_requests_take_nothing_from_anothers(strict, workspace):
    """And a flood of grants takes nothing from the same client's refusals."""
    town = Town(strict, workspace)
    first, other = town.as_("marketing"), town.as_("support")
    allowed(lambda: strict.http.post("/v1/audiences/preview", json=ASK, headers=first))
    allowed(lambda: strict.http.post("/v1/consents", json={"state": "given"}, headers=other))
    refusal = strict.http.post("/v1/consents", json={"state": "withdrawn"}, headers=other)
    preview = strict.http.post("/v1/audiences/preview", json=ASK, headers=other)

    assert (refusal.status_code, preview.status_code) == (422, 403), "not 429"


def test_events(system, workspace):
    """Of one source and of one address, in the words of tracking libraries; any page may read them."""
    first, second = (source_with_keys(system, workspace, name) for name in ("shop", "till"))
    settings = system.settings.model_copy(update=FEW | {"rate_events": 2})
    with serving(standing_in(system, settings=settings)) as served:

        def send(keys):
            return served.http.post("/v1/track", json=TRACK, auth=(keys.server.text, ""))

        answers = allowed(lambda: send(first))
        other = send(second)

    hold(answers, 2 * ALLOWED)
    assert answers[-1].headers["access-control-allow-origin"] == "*"
    assert other.status_code == 429, "the address's limit is the same, and used up"


def test_an_unsubscribe_link_is_answered_however_often_its_address_asks(system, workspace):
    """Behind one address are many people; nobody crowds another's refusal out."""
    settings = system.settings.model_copy(update=FEW)
    with serving(standing_in(system, settings=settings)) as served:
        allowed(lambda: served.http.get("/openapi.json"))
        clicks = [served.http.post("/u/x") for _ in range(3 * ALLOWED)]
        pages = [served.http.get("/u/x") for _ in range(3 * ALLOWED)]
        refusal = served.http.post("/v1/consents", json={"state": "withdrawn"})

    assert {answer.status_code for answer in (*clicks, *pages)} == {404}
    assert refusal.status_code == 401, "not 429"


def test_a_header_names_no_address_unless_a_trusted_proxy_sends_it(system):
    """Whoever could choose an address would have as many as they like, or another's."""
    settings = system.settings.model_copy(update=FEW)
    asked = iter(range(1000))

    def ask(served):
        chain = f"198.51.100.1, 192.0.2.{next(asked)}, 10.1.2.3"
        return served.http.get("/openapi.json", headers={"X-Forwarded-For": chain}).status_code

    with serving(standing_in(system, settings=settings)) as served:
        believed = {ask(served) for _ in range(3 * ALLOWED)}
    trusting = settings.model_copy(update={"trusted_proxies": "127.0.0.1,10.0.0.0/8"})
    with serving(standing_in(system, settings=trusting)) as served:
        told = {ask(served) for _ in range(3 * ALLOWED)}
        # The hop before the trusted ones counts; what it says of others is its own word.
        claims = [
            served.http.get("/openapi.json", headers={"X-Forwarded-For": f"203.0.113.{n}, 192.0.2.255"})
            for n in range(3 * ALLOWED)
        ]

    assert believed == {200, 429}
    assert told == {200}
    assert claims[-1].status_code == 429


@pytest.mark.parametrize("given", ["*", "everybody", "10.0.0.1/8", "127.0.0.1;10.0.0.1"])
def test_a_proxy_is_named_by_its_address_or_its_network(given):
    """A word would be compared with words, and a star is everybody."""
    with pytest.raises(ValidationError):
        Settings(trusted_proxies=given)


def test_a_window_ends_and_says_when():
    """What was used up is there again after it."""
    time = Time()
    rates = Rates(Settings(**FEW), clock=time)
    scope = {"client": ("192.0.2.1", 1)}
    for _ in range(ALLOWED):
        rates.address(EVENTS, scope)
    time.now += 4
    with pytest.raises(TooOften) as refused:
        rates.address(EVENTS, scope)
    time.now += refused.value.seconds
    rates.address(EVENTS, scope)

    assert refused.value.seconds == WINDOW - 4


def test_who_is_counted_is_bounded():
    """A million askers, each once, fill no memory."""
    time = Time()
    windows = Windows(time)
    for number in range(MOST + 10):
        windows.incr(str(number), WINDOW)
    assert len(windows._counts) <= MOST
    windows.incr("once more", WINDOW)
    time.now += WINDOW

    assert windows.get("once more") == 0


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("192.0.2.1", "192.0.2.2", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("a", "b", True),
    ],
)
def test_a_machine_with_many_addresses_is_one(one, other, same):
    """Of IPv6 everybody has a network; what is no address is counted as one."""
    assert HOME == 64
    assert (_home((one, 1)) == _home((other, 1))) is same


def test_every_kind_of_request_has_its_limits():
    """A kind that is added later must be thought of."""
    rates = Rates(Settings())

    assert set(rates._addresses) == {*Kind, EVENTS}
    assert set(rates._clients) == set(Kind)
    unlimited = {kind for kind, limit in rates._addresses.items() if limit is None}
    assert unlimited == {Kind.HEARD, Kind.CLICK, Kind.NOES, Kind.PAGE}
