"""A plan that cannot be used names the place; one that can gives the same items wherever it lies."""

from pathlib import Path

import pytest

from trustconn.conformance.campaign.plan import load
from trustconn.harness.iut.description import DescriptionError

TARGET = '[iut.one]\nreference = "device"\n'
RUN = '[configuration.c]\ncommand = "run"\n'

BAD = {
    "no implementation": (RUN, "iut: expected at least one table [iut.NAME], found nothing"),
    "no configuration": (TARGET, "configuration: expected at least one table"),
    "unknown section": (TARGET + RUN + "[iuts]\n", 'expected a known key (did you mean "iut"?)'),
    "both": ('[iut.one]\nreference = "device"\ndescription = "x"\n' + RUN, ":1: iut.one: expected either description"),
    "neither": ("[iut.one]\n" + RUN, ":1: iut.one: expected either description or reference, found neither"),
    "role": ('[iut.one]\nreference = "verifyer"\n' + RUN, ":2: iut.one.reference: expected one of device, service"),
    "no such description": (
        '[iut.one]\ndescription = "gone.toml"\n' + RUN,
        "gone.toml: file: expected a readable file",
    ),
    "name": ('[iut."a b"]\nreference = "device"\n' + RUN, "iut.a b: expected a name of letters"),
    "seeds": (TARGET + RUN + 'seeds = "1-x"\n', ":5: configuration.c.seeds: expected seeds such as"),
    "downwards": (TARGET + RUN + 'seeds = "9-1"\n', ":5: configuration.c.seeds: expected ranges that go up, found 9-1"),
    "too many": (TARGET + RUN + 'seeds = "0-9999999999"\n', ":5: configuration.c.seeds: expected at most 1000000"),
    "option of another": (TARGET + RUN + "cases = 3\n", ":5: configuration.c.cases: expected an option of run"),
    "misspelt option": (TARGET + RUN + 'bindings = "tls"\n', 'did you mean "binding"?'),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_plan(name: str, tmp_path: Path) -> None:
    """One line with file, line where it is known, key, what is expected, and what was found."""
    text, expected = BAD[name]
    path = tmp_path / "plan.toml"
    path.write_text(text)
    with pytest.raises(DescriptionError) as caught:
        load(path)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_items_are_those_of_every_combination(tmp_path: Path) -> None:
    """Two implementations, two configurations of two and three seeds."""
    path = tmp_path / "plan.toml"
    more = '[configuration.d]\ncommand = "fuzz"\ncases = 2\nseconds = 1.5\nseeds = "7,1-2"\n'
    path.write_text(TARGET + '[iut.two]\nreference = "service"\n' + RUN + 'seeds = "1-2"\n' + more)
    items = load(path)
    told = {(item.iut, item.configuration, item.seed) for item in items}
    wanted = {("c", 1), ("c", 2), ("d", 1), ("d", 2), ("d", 7)}
    assert told == {(iut, *rest) for iut in ("one", "two") for rest in wanted}
    assert len(items) == len(told) == len({item.id for item in items})
    seven = next(item for item in items if item.seed == 7 and item.iut == "two")
    assert seven.arguments == ("fuzz", "--role", "service", "--seconds", "1.5", "--cases", "2", "--seed", "7")


def test_an_item_is_known_by_what_is_played(tmp_path: Path) -> None:
    """Where the plan lies does not matter; an option does."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "plan.toml").write_text(TARGET + RUN)
    (tmp_path / "b" / "plan.toml").write_text(TARGET + RUN)
    (tmp_path / "plan.toml").write_text(TARGET + RUN + 'binding = "tls"\n')
    ids = [load(tmp_path / name / "plan.toml")[0].id for name in ("a", "b", ".")]
    assert ids[0] == ids[1] != ids[2]
