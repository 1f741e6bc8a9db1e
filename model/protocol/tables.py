"""The tables: the profile over each binding, and bare EDHOC of each method for published traces and foreign peers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from ..table import Role, Table, Transition, event
from . import edhoc, local, session, tls
from . import open as open_phase
from .attestation import CHANNEL_SECRET, EAT_FORMAT, QUOTE_REQUEST, TAM_NAME
from .edhoc import DEVICE, SERVICE, handshake, message_3_checks, messages
from .forms import (
    BY_TOKENS,
    COLLECTION_FORMAT,
    EAR_FORMAT,
    PBA_FORMAT,
    PSA_FORMAT,
    TOKENS,
    TPM_FORMAT,
    Form,
    Format,
    Kinds,
)
from .frames import HELLO, I, R, peer_of
from .given import WAIVED, drawn, given

HANDSHAKE_STATES = {
    DEVICE: ("wait_message_2", "wait_message_4"),
    SERVICE: ("wait_message_1", "wait_message_3"),
}
WAITING_STATES = {
    DEVICE: ("wait_ATT_R", "wait_VERDICT_R", session.REFUSED),
    SERVICE: ("wait_HELLO_I", "wait_VERDICT_I", "wait_ATT_I", session.REFUSED),
}


@dataclass(frozen=True)
class Binding:
    """What a binding adds to the session: rows up to the established channel, and the states in which they wait."""

    name: str
    """What tables, and attacks on them, are called."""
    rows: tuple[Transition, ...]
    states: Mapping[str, tuple[str, ...]]
    """Role to the states before the channel stands; a service starts in its first."""


def _edhoc() -> Binding:
    """EDHOC method 0, its last rows joined to the session."""
    terms, m = handshake(0), messages(0)
    *first, last = edhoc.rows(0, certificates=True, completed="wait_HELLO_R")
    secret = ((CHANNEL_SECRET, terms.prk_exporter),)
    device_last = Transition(
        last.role, last.state, last.receives, last.next_state,
        checks=last.checks, sets=(*secret,), events=last.events,
    )  # fmt: skip
    service_last = Transition(
        SERVICE, "wait_message_3", m.message_3, "wait_HELLO_I",
        checks=message_3_checks(0, certificates=True), sets=secret,
        sends=(m.message_4, HELLO["R"]),
        events=(
            event("authenticated_i", id_cred=I.party.id_cred),
            event("handshake_completed", th_4=terms.th_4),
        ),
    )  # fmt: skip
    return Binding("profile", (*first, device_last, service_last), HANDSHAKE_STATES)


def _tls() -> Binding:
    return Binding("profile over TLS", tls.rows(), tls.STATES)


BINDINGS: dict[str, Callable[[], Binding]] = {"edhoc": _edhoc, "tls": _tls}
"""The bindings of the profile by name."""


def _tpm() -> Mapping[str, Form]:
    from .tpm import BUNDLES

    return BUNDLES


def _psa() -> Mapping[str, Form]:
    from .psa import PSA_TOKENS

    return PSA_TOKENS


def _collection() -> Mapping[str, Form]:
    from .collection import COLLECTIONS

    return COLLECTIONS


def _ear() -> Mapping[str, Form]:
    from .passport import PASSPORTS

    return PASSPORTS


def _pba() -> Mapping[str, Form]:
    from .proving import PROOFS

    return PROOFS


FORMS: Mapping[Format, Callable[[], Mapping[str, Form]]] = {
    EAT_FORMAT: lambda: TOKENS,
    TPM_FORMAT: _tpm,
    PSA_FORMAT: _psa,
    COLLECTION_FORMAT: _collection,
    EAR_FORMAT: _ear,
    PBA_FORMAT: _pba,
}
"""Evidence types that are known. Terms are made when they are asked for: a session pays for all that could depend on
its own."""


def _forms(kinds: Kinds) -> Mapping[str, Form]:
    return {letter: FORMS[kind]()[letter] for letter, kind in zip(TOKENS, kinds, strict=True)}


@cache
def profile(binding: str = "edhoc", kinds: Kinds = BY_TOKENS) -> Table:
    """The trusted connection over a binding: both peers and both TAMs.

    `kinds` are the types of their evidence.

    Raises:
        KeyError: no such binding or evidence type.
    """
    part, forms = BINDINGS[binding](), _forms(kinds)
    rows: list[Transition] = [*part.rows, *session.device_rows(forms), *session.service_rows(forms)]
    for side in (I, R):
        live = (session.OPEN, session.EXPIRED)
        waiting = WAITING_STATES[side.role]
        first = ("wait_HELLO_R",) if side is I else ()
        mine, peers = forms[side.letter], forms[peer_of(side).letter]
        rows += open_phase.data_rows(side, peers)
        rows += open_phase.send_rows(side)
        for state in live:
            rows += open_phase.request_rows(side, state, peers)
            rows += open_phase.answer_rows(side, state, mine)
        rows += open_phase.life_rows(side, live)
        rows += open_phase.closing_rows(side, peers)
        rows += session.everywhere_rows(side, (*first, *waiting, *live))
        rows += session.closing_alert_rows(side)
        rows += session.timer_rows(side, (*part.states[side.role], *first), waiting)
        rows.append(session.tam_row(side, mine))
    roles = (
        Role(DEVICE, "start", given(rows, DEVICE), drawn(rows, DEVICE), open_phase.initial(I)),
        Role(SERVICE, part.states[SERVICE][0], given(rows, SERVICE), drawn(rows, SERVICE), open_phase.initial(R)),
        *(Role(tam, "ready", given(rows, tam)) for tam in TAM_NAME.values()),
    )
    return Table(part.name, roles, tuple(rows), frozenset(WAIVED) - _not_forwarded(forms))


def _not_forwarded(forms: Mapping[str, Form]) -> frozenset[str]:
    """Findings about parts of a quote request that an answer of this form does not hold."""
    return frozenset(
        f"blind-forwarding {TAM_NAME[letter]} {part.label}"
        for letter, form in forms.items()
        for part in (QUOTE_REQUEST[letter].epoch, QUOTE_REQUEST[letter].sid)
        if part not in form.quote.term.reach
    )


@cache
def bare_edhoc(method: int) -> Table:
    """EDHOC of one method, without certificates and without a session: the handshake alone."""
    m, terms = messages(method), handshake(method)
    service_last = Transition(
        SERVICE, "wait_message_3", m.message_3, "completed",
        checks=message_3_checks(method, certificates=False), sets=((CHANNEL_SECRET, terms.prk_exporter),),
        sends=(m.message_4,), events=(event("handshake_completed", th_4=terms.th_4),),
    )  # fmt: skip
    *first, last = edhoc.rows(method, certificates=False, completed="completed")
    device_last = Transition(
        last.role, last.state, last.receives, last.next_state,
        checks=last.checks, sets=((CHANNEL_SECRET, terms.prk_exporter),), events=last.events,
    )  # fmt: skip
    timers = tuple(
        Transition(role, state, local.HANDSHAKE_TIMEOUT, "CLOSED", events=(event("timeout"),))
        for role, states in HANDSHAKE_STATES.items()
        for state in states
    )
    roles = (Role(DEVICE, "start"), Role(SERVICE, "wait_message_1"))
    return Table(f"edhoc-method-{method}", roles, (*first, device_last, service_last, *timers))
