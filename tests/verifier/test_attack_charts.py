"""An attack is drawn in three ways, each with every event."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from trustconn.model.verifier import charts
from trustconn.model.verifier.attack import Attack
from trustconn.model.verifier.claims import Agree, Secret
from trustconn.model.verifier.published import key_exchange as kx
from trustconn.model.verifier.verify import verify


@pytest.fixture(scope="module")
def attack() -> Attack:
    found = verify(kx.signed(), Agree("I", "done", peer="R", running="running")).attack
    assert found is not None
    return found


def test_the_text_has_a_line_for_each_event(attack: Attack) -> None:
    rows = charts.text(attack).splitlines()
    assert rows[0] == "[0] I#0 (I=i, R=r)"
    assert len([r for r in rows if r[:3].strip().isdigit()]) == len(attack.events) + len(attack.learned)
    assert "[0] --> [?]  1. g^x#0" in charts.text(attack)


def test_mermaid_has_an_arrow_for_each_message(attack: Attack) -> None:
    rows = charts.mermaid(attack).splitlines()
    assert rows[0] == "sequenceDiagram"
    messages = [e for e in attack.events if e.kind in ("send", "receive", "leak")]
    assert len([r for r in rows if "->>" in r]) == len(messages)
    assert not any("#" in r.replace("#35;", "") for r in rows)


def test_the_picture_is_well_formed_and_escapes_its_texts(attack: Attack) -> None:
    root = ElementTree.fromstring(charts.svg(attack))
    texts = "".join(root.itertext())
    assert "sk(r))" in texts
    assert all(charts.title(run) in texts for run in attack.runs)


def test_terms_are_shown_as_people_write_them() -> None:
    assert charts.show(("aenc", ("tuple", "n#0", "a"), ("pk", "b"))) == "{n#0, a}pk(b)"
    assert charts.show(("kdf", ("dh", "x#0", "y#1"), "session")) == "kdf(g^(x#0*y#1), session)"


def test_terms_that_the_specification_names_are_shown_by_their_names() -> None:
    plain = kx.signed()
    named = replace(plain, roles=tuple(replace(r, names={"secret": kx.SECRET[r.name]}) for r in plain.roles))
    found = verify(named, Secret("I", "done", term=kx.key("I"), classes={"R": "dishonest"})).attack
    assert found is not None
    chart = charts.text(found)
    assert "knows kdf(secret#0, session)" in chart
    assert chart.endswith("secret#0 = g^(x#0*~Y1)\n")
    data = found.to_json()
    assert data["learned"] == [["kdf", ["=", "secret#0"], "session"]]
    assert Attack.from_json(data) == found
