"""Claims and powers as data: whole, and about events and terms that the rows have."""

from collections.abc import Mapping
from functools import cache

import pytest

from trustconn.model.claims import STATEMENTS, UNDECIDED, fails_under, holds_under, statements
from trustconn.model.extract.commands import MAKINGS
from trustconn.model.extract.committed import expected
from trustconn.model.extract.variants import VARIANTS, variant_of_claim
from trustconn.model.knowledge import Known, learned, missing
from trustconn.model.linter import known_in_states
from trustconn.model.powers import POWERS, Part, Sessions, Whose
from trustconn.model.protocol.background import VERIFIER
from trustconn.model.protocol.tables import profile
from trustconn.model.statements import Agree, Order, Preceded, Secret, Signed, Statement, Unique
from trustconn.model.table import Table, Transition
from trustconn.model.terms import Term
from trustconn.spec import claims, powers, threats

TABLE = profile()
ALL = [pytest.param(id_, one, id=f"{id_}-{number}") for number, (id_, one) in enumerate(statements())]


def table_of(claim: str) -> Table:
    """The table that a claim is about."""
    return VARIANTS[variant_of_claim(claim)].table()


@cache
def known(claim: str, role: str) -> Mapping[str, Known]:
    table = table_of(claim)
    return known_in_states(table, table.role(role))


def rows_with(role: str, event: str, table: Table = TABLE) -> list[Transition]:
    return [row for row in table.rows if row.role == role and event in {e.name for e in row.events}]


def lacking(claim: str, role: str, event: str, term: Term) -> Term | None:
    """What a role lacks for a term at some row with the event."""
    rows = rows_with(role, event, table_of(claim))
    lacks = [missing(role, term, known(claim, role)[row.state] | learned(row)) for row in rows]
    if role == VERIFIER and None in lacks:
        return None  # The other row is about the other side.
    return next((lack for lack in lacks if lack is not None), None)


def test_every_claim_is_stated_or_said_to_be_undecided() -> None:
    assert set(STATEMENTS) | set(UNDECIDED) == set(claims())
    assert not set(STATEMENTS) & set(UNDECIDED)
    assert all(STATEMENTS.values())


def test_every_power_of_the_specification_is_data() -> None:
    assert tuple(POWERS) == tuple(powers())
    assert all(power.meaning for power in POWERS.values())


def test_every_power_hands_something_over() -> None:
    for power in POWERS.values():
        assert power.keys or power.commands or power.leaks
        assert bool(power.leaks) == (power.sessions is not Sessions.NONE)
        assert (power.whose is Whose.NOBODY) == (not power.keys and not power.commands)


def test_keys_of_powers_are_keys_of_the_table() -> None:
    held = {term.label for role in TABLE.roles for term in role.given}
    for power in POWERS.values():
        assert {f"{key}_{letter}" for key in power.keys for letter in "ir"} <= held


def test_a_hostile_tam_holds_its_key_and_a_hostile_software_does_not() -> None:
    assert POWERS["hostile-tam"].commands == (Part.TAM,)
    assert "ak" in POWERS["hostile-tam"].keys
    assert "ak" not in POWERS["device-software"].keys


@pytest.mark.parametrize("id_", sorted(STATEMENTS))
def test_powers_of_a_claim_are_known_and_the_network_is_always_there(id_: str) -> None:
    assert POWERS["network"] in holds_under(id_)
    assert not set(holds_under(id_)) & set(fails_under(id_))


@pytest.mark.parametrize(("claim", "statement"), ALL)
def test_events_of_a_statement_are_in_rows(claim: str, statement: Statement) -> None:
    assert rows_with(statement.role, statement.at)
    if isinstance(statement, Agree):
        assert statement.running in MAKINGS or rows_with(statement.peer, statement.running, table_of(claim))
    if isinstance(statement, Order):
        assert rows_with(statement.role, statement.since)
    if isinstance(statement, Unique):
        assert rows_with(statement.other, statement.other_at)
    if isinstance(statement, Preceded):
        assert all(rows_with(statement.role, event) for event in statement.by)


def terms_of(statement: Statement) -> list[tuple[str, str, Term]]:
    """Role, event and term of whatever a statement compares."""
    mine, theirs = (statement.role, statement.at), ("", "")
    own: tuple[Term, ...] = ()
    others: tuple[Term, ...] = ()
    if isinstance(statement, Agree):
        theirs, own, others = (statement.peer, statement.running), statement.data, statement.peers or statement.data
        assert len(own) == len(others)
    elif isinstance(statement, Unique):
        theirs = (statement.other, statement.other_at)
        own = others = (*statement.keys, *statement.agree)
    elif isinstance(statement, Secret):
        own = (statement.term,)
    return [(*mine, term) for term in own] + [(*theirs, term) for term in others]


@pytest.mark.parametrize(("claim", "statement"), ALL)
def test_what_is_compared_is_known_where_it_is_compared(claim: str, statement: Statement) -> None:
    for role, event, term in terms_of(statement):
        lack = lacking(claim, role, event, term)
        assert lack is None or statement.where is not None, f"{role} at {event} lacks {lack}"


def test_every_threat_has_a_proof_and_every_power_of_it_is_met_or_said_not_to_be() -> None:
    """A claim on a threat holds under each power that poses it, or is said to fail under it."""
    verdicts = expected()["claims"]
    for threat in threats().values():
        decided = [id_ for id_ in threat.claims if id_ in STATEMENTS]
        assert decided, threat.id
        assert [id_ for id_ in decided if verdicts[id_]["verdict"] != "proof"] == [], threat.id
        answers = [claims()[id_] for id_ in threat.claims]
        named = {power for claim in answers for power in (*claim.holds, *claim.fails)}
        assert set(threat.powers) <= named, threat.id


def test_a_waived_direction_rests_on_the_authority() -> None:
    for statement in STATEMENTS["CLM-13"]:
        assert isinstance(statement, Signed)
        assert statement.where is not None
        assert statement.key.label == "waiver_authority"


def test_both_sides_run_before_the_other_commits() -> None:
    """Every row after which the peer may commit says so."""
    for letter, role in (("I", "device"), ("R", "service")):
        last = [r for r in TABLE.rows if r.role == role and r.next_state in ("wait_VERDICT_R", "OPEN")]
        before = [r for r in last if r.state not in ("OPEN", "EXPIRED", "OPEN_quoting") and r.next_state != r.state]
        sends = [r for r in before if r.sends and r.state != "wait_message_3"]
        for row in sends:
            assert f"running_{letter}" in {event.name for event in row.events}, row.id
