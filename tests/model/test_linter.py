"""Each rule of the linter finds its fault in a tiny table; the profile's own tables are clean."""

from dataclasses import replace
from typing import Any

import pytest

from trustconn.model.checks import CHECKS
from trustconn.model.linter import lint
from trustconn.model.protocol.asking import asking_profile
from trustconn.model.protocol.attestation import EAT_FORMAT, appraisal_checks
from trustconn.model.protocol.background import QUESTION, RESULT, background, result_checks
from trustconn.model.protocol.forms import COLLECTION_FORMAT, EAR_FORMAT, PBA_FORMAT, PSA_FORMAT, TPM_FORMAT, Format
from trustconn.model.protocol.frames import I, R
from trustconn.model.protocol.given import WAIVED
from trustconn.model.protocol.tables import BINDINGS, profile
from trustconn.model.refusals import Channel
from trustconn.model.symbols import SECRET, SIGNATURE_64, aead, sign
from trustconn.model.table import (
    NET,
    RECORD,
    TIMER,
    Guard,
    Holds,
    Message,
    Role,
    Table,
    TagVerifies,
    Transition,
    Verifies,
    equals,
    holds,
    step,
)
from trustconn.model.terms import ITEM, Sort, Term, array, const, name, octets, seq, slot

KEY, SECRET_NAME = name("lint_key", SECRET), name("lint_secret", ITEM)
VERSION = slot("LINT_VERSION", ITEM, const(1))
VALUE = slot("LINT_VALUE", ITEM, alice=SECRET_NAME)
HI = Message("hi", NET, seq(VERSION, VALUE), "alice")
TIMEOUT = Message("lint_timeout", TIMER, seq(), "clock")
BOB = Role("bob", "wait")
GOOD = (
    Transition("bob", "wait", HI, "CLOSED", checks=(equals("hello_version_is_supported", VERSION),)),
    Transition("bob", "wait", TIMEOUT, "CLOSED"),
)


def table(*rows: Transition, role: Role = BOB, waived: frozenset[str] = frozenset()) -> Table:
    return Table("tiny", (role,), rows, waived)


def findings(*rows: Transition, role: Role = BOB) -> list[str]:
    return [finding.name for finding in lint(table(*rows, role=role))]


def after_hi(**parts: Any) -> tuple[Transition, Transition]:
    """The good table with parts of its first row replaced."""
    return replace(GOOD[0], **parts), GOOD[1]


@pytest.mark.parametrize("binding", BINDINGS)
def test_the_profile_is_clean_and_every_waiver_of_it_is_needed(binding: str) -> None:
    asked = {name for attester in (I, R) for name in (item.check.name for item in result_checks(attester))}
    of_peers = (check for check in CHECKS.values() if check.refusal.channel is not Channel.VERIFIER)
    of_tokens = (check for check in of_peers if not check.form and check.name not in asked)
    register = {check.name: check for check in of_tokens if check.binding in ("", binding)}
    assert lint(profile(binding), register) == []


def test_the_background_check_is_clean_and_has_every_check_of_a_verifier() -> None:
    own = {name: check for name, check in CHECKS.items() if check.refusal.channel is Channel.VERIFIER}
    assert lint(background(), own) == []
    for attester in (I, R):
        (row,) = (row for row in background().rows if row.receives is QUESTION[attester.letter].message)
        assert set(appraisal_checks(attester)) <= set(row.checks)
    assert all(WAIVED.values())


NOT_READ = ("enforced", "blind-forwarding")
"""Rules that an asking peer breaks on purpose: the verifier reads the evidence in its place."""


@pytest.mark.parametrize("binding", BINDINGS)
def test_peers_that_ask_break_no_other_rule_than_to_read_evidence(binding: str) -> None:
    table = asking_profile(binding)
    assert [finding for finding in lint(table) if finding.rule not in NOT_READ] == []
    for attester in (I, R):
        rows = [row for row in table.rows if row.receives is RESULT[attester.letter].message]
        assert rows and all(row.checks == result_checks(attester) for row in rows)


OTHERS: dict[Format, str] = {
    TPM_FORMAT: "tpm2",
    PSA_FORMAT: "psa",
    COLLECTION_FORMAT: "collection",
    EAR_FORMAT: "ear",
    PBA_FORMAT: "pba",
}
"""Evidence types besides tokens, and what checks of them alone are marked with."""


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize("sides", ["I", "R", "IR"])
@pytest.mark.parametrize("binding", BINDINGS)
def test_the_profile_is_clean_where_evidence_is_no_token(binding: str, sides: str, kind: Format) -> None:
    of_i, of_r = (kind if letter in sides else EAT_FORMAT for letter in "IR")
    table = profile(binding, (of_i, of_r))
    assert lint(table, {name: CHECKS[name] for name in table.checks}) == []
    of_it_alone = {name for name, check in CHECKS.items() if check.form == OTHERS[kind]}
    assert table.checks.keys() & of_it_alone == of_it_alone


def compares_a_meaning(check: str) -> bool:
    """Whether the rows say by a check what a received slot means."""
    forms = [s.form for row in profile().checks[check] for s in row.checks if s.check.name == check]
    return any(
        form.binds is not None if isinstance(form, Holds) else getattr(form, "expected", None) is None for form in forms
    )


@pytest.mark.parametrize("check", [check for check in profile().checks if compares_a_meaning(check)])
def test_no_comparison_can_be_left_out_of_the_profile(check: str) -> None:
    rows = [
        replace(row, checks=tuple(s for s in row.checks if s.check.name != check)) if row.checks else row
        for row in profile().rows
    ]
    assert {finding.rule for finding in lint(replace(profile(), rows=tuple(rows)))} == {"enforced"}


def test_a_complete_tiny_table_is_clean() -> None:
    assert findings(*GOOD) == []


def test_a_received_meaning_must_be_compared() -> None:
    assert findings(*after_hi(checks=())) == ["enforced LINT_VERSION"]


def test_a_predicate_over_the_slot_compares_it_too() -> None:
    assert findings(*after_hi(checks=(holds("hello_version_is_supported", VERSION),))) == []


def test_a_signature_must_be_verified() -> None:
    signature = slot("LINT_SIGNATURE", SIGNATURE_64, sign(KEY, SECRET_NAME))
    message = Message("signed", NET, seq(signature), "alice")
    row = Transition("bob", "wait", message, "CLOSED")
    verified = replace(row, checks=(step("label_signature_verifies", Verifies(signature, KEY, SECRET_NAME)),))
    public = Role("bob", "wait", {KEY: "bob", SECRET_NAME: "bob"})
    assert findings(row, GOOD[1]) == ["enforced LINT_SIGNATURE"]
    assert findings(verified, GOOD[1], role=public) == []
    assert findings(verified, GOOD[1]) == [f"known {row.id} lint_key", f"known {row.id} lint_secret"]


def test_a_tag_must_be_verified() -> None:
    sealed = aead(SECRET_NAME, SECRET_NAME, SECRET_NAME, VALUE, "message_3_tag_verifies")
    row = Transition("bob", "wait", Message("sealed", NET, sealed, "alice"), "CLOSED")
    knows = Role("bob", "wait", {SECRET_NAME: "bob"})
    assert findings(row, GOOD[1], role=knows) == [f"enforced {row.id} tag"]
    checked = replace(row, checks=(step("message_3_tag_verifies", TagVerifies(sealed)),))
    assert findings(checked, GOOD[1], role=knows) == []


def test_a_ciphertext_is_read_only_with_its_key() -> None:
    sealed = aead(SECRET_NAME, SECRET_NAME, SECRET_NAME, VALUE, "message_3_tag_verifies")
    row = Transition("bob", "wait", Message("sealed", NET, sealed, "alice"), "CLOSED")
    assert f"known {row.id} lint_secret" in findings(row, GOOD[1])


@pytest.mark.parametrize("origin", ["given", "fresh of the role", "fresh of the row", "nowhere"])
def test_what_is_sent_must_come_from_somewhere(origin: str) -> None:
    reply = Message("reply", NET, seq(SECRET_NAME), "bob")
    role = Role(
        "bob",
        "wait",
        {SECRET_NAME: "bob"} if origin == "given" else {},
        (SECRET_NAME,) if origin == "fresh of the role" else (),
    )
    rows = after_hi(sends=(reply,), fresh=(SECRET_NAME,) if origin == "fresh of the row" else ())
    expected = [f"known {rows[0].id} lint_secret"] if origin == "nowhere" else []
    assert findings(*rows, role=role) == expected


def test_a_register_must_be_set_on_every_path() -> None:
    register = slot("LINT_REGISTER", ITEM)
    go, use = Message("go", NET, seq(), "alice"), Message("use", NET, seq(), "alice")
    reply = Message("reply", NET, seq(register), "bob")
    rows = (
        Transition("bob", "wait", go, "next", when=(Guard(const(1), const(1)),), sets=((register, const(7)),)),
        Transition("bob", "wait", go, "next"),
        Transition("bob", "wait", TIMEOUT, "CLOSED"),
        Transition("bob", "next", use, "CLOSED", sends=(reply,)),
        Transition("bob", "next", TIMEOUT, "CLOSED"),
    )
    assert findings(*rows) == ["known bob:next:use LINT_REGISTER"]
    assert findings(rows[0], replace(rows[1], sets=((register, const(8)),)), *rows[2:]) == []


def test_what_is_handed_on_unread_is_named() -> None:
    copy = slot("LINT_COPY", ITEM, bob=VALUE)
    rows = after_hi(sends=(Message("copy", RECORD, seq(copy), "bob"),))
    assert findings(*rows) == ["blind-forwarding bob LINT_VALUE"]
    judged = after_hi(sends=rows[0].sends, checks=(*GOOD[0].checks, holds("cmw_type_was_accepted", VALUE)))
    assert findings(*judged) == []


def test_states_are_reachable_left_and_timed() -> None:
    island = Transition("bob", "island", HI, "CLOSED", checks=GOOD[0].checks)
    assert findings(*GOOD, island) == ["state-reachable bob:island", "state-timer bob:island"]
    assert findings(GOOD[0]) == ["state-timer bob:wait"]
    assert "state-exit bob:limbo" in findings(*after_hi(next_state="limbo"))


def guarded(value: Term, next_state: str = "CLOSED") -> Transition:
    return replace(GOOD[0], when=(Guard(VALUE, value),), next_state=next_state)


def test_guards_exclude_each_other_or_come_in_order() -> None:
    one, two, general = guarded(const(1)), guarded(const(2)), GOOD[0]
    assert findings(one, two, general, GOOD[1]) == []
    assert findings(general, one, GOOD[1]) == [f"guard-shadowed {one.id}"]
    other = replace(general, when=(Guard(VERSION, const(1)),))
    assert findings(one, other, GOOD[1]) == ["guard-overlap bob:wait:hi"]


def test_two_rows_or_messages_of_one_name_are_found() -> None:
    assert f"row-id {GOOD[0].id}" in findings(GOOD[0], GOOD[0], GOOD[1])
    other = Transition("bob", "CLOSED", Message("hi", NET, seq(VALUE), "alice"), "CLOSED")
    assert "message-name hi" in findings(*GOOD, other)


def test_a_slot_stands_once_in_a_message() -> None:
    twice = Message("twice", NET, array(VALUE, VALUE), "alice")
    assert "slot-once twice LINT_VALUE" in findings(Transition("bob", "wait", twice, "CLOSED"), GOOD[1])


def test_sizes_fit() -> None:
    short = slot("LINT_SHORT", Sort("sixteen", 16), octets(bytes(8)))
    row = Transition("bob", "wait", Message("short", NET, seq(short), "alice"), "CLOSED")
    assert "slot-size LINT_SHORT" in findings(row, GOOD[1])
    register = slot("LINT_SIXTEEN", Sort("sixteen", 16))
    assert findings(*after_hi(sets=((register, const(1)),))) == ["slot-size LINT_SIXTEEN"]


def test_every_check_is_used_where_the_register_says() -> None:
    used = {"hello_version_is_supported": CHECKS["hello_version_is_supported"]}
    register = {**used, "unit_kind_is_known": CHECKS["unit_kind_is_known"], "g_x_is_valid": CHECKS["g_x_is_valid"]}
    assert [f.name for f in lint(table(*GOOD), register)] == ["check-used g_x_is_valid"]
    beside = {"hello_version_is_supported": replace(CHECKS["hello_version_is_supported"], beside_table=True)}
    assert [f.name for f in lint(table(*GOOD), beside)] == ["check-used hello_version_is_supported"]


def test_a_waiver_covers_its_finding_and_nothing_else() -> None:
    timeless = table(GOOD[0], waived=frozenset({"state-timer bob:wait"}))
    assert lint(timeless) == []
    stale = table(*GOOD, waived=frozenset({"state-timer bob:wait"}))
    assert [f.name for f in lint(stale)] == ["stale-waiver state-timer bob:wait"]
