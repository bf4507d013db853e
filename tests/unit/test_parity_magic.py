"""`%parity` and `%%parity` in a real IPython shell."""

from __future__ import annotations

import json

import pytest
from IPython.core.error import UsageError

from liteagent_nb.cassettes.cassette import Cassette
from liteagent_nb.cassettes.models import CassetteModel
from liteagent_nb.core.chat import Transcript
from liteagent_nb.core.errors import ConfigError, UnknownModel
from liteagent_nb.core.verdict import Verdict
from liteagent_nb.testing import ScriptedModel


class Arm:
    """Answers the same each time, and keeps what it was asked."""

    def __init__(self, answer="Paris"):
        self.answer = answer
        self.asked = []

    async def __call__(self, text):
        self.asked.append(text)
        yield self.answer


@pytest.fixture
def arms(notebook, monkeypatch):
    for name in ("PARITY_ROUNDS", "PARITY_THRESH_PCT", "PARITY_OUT"):
        monkeypatch.delenv(name, raising=False)
    notebook.ns.update(a=Arm(), b=Arm(), other=Arm("Lyon"))
    return notebook


def test_the_value_is_the_verdict_and_it_is_kept_under_its_names(arms):
    verdict = arms.run("%parity $a $b --rounds 3 -o kept")

    assert isinstance(verdict, Verdict)
    assert (verdict.baseline, verdict.candidate, len(verdict.trials)) == ("a", "b", 9)
    assert arms.ns["kept"] is arms.ns["_parity_verdict"] is verdict
    assert arms.run("%parity $a $b --rounds 2 -q -o quiet") is None
    assert len(arms.ns["quiet"].trials) == 6


def test_texts_that_differ_are_rejected_for_what_was_said(arms):
    verdict = arms.run("%parity $a $other --rounds 40 --prompt Where?")

    assert verdict.status == "rejected"
    assert verdict.finding("behaviour").status == "rejected"
    assert len(verdict.trials) < 40  # it was clear sooner


@pytest.mark.parametrize(
    "line",
    [
        "$a $b --rounds 1 --thresh 7 --prompt 'one two'",
        "--rounds=1 $a --thresh 7 $b --prompt 'one two'",
        '--thresh 7 --prompt "one two" --rounds 1 $a $b',
        "--thresh 7 --prompt 'one two' --rounds 1 -- $a $b",
    ],
)
def test_options_stand_before_between_or_after_the_arms(arms, line):
    verdict = arms.run(f"%parity {line}")

    assert (len(verdict.trials), verdict.thresh_pct) == (1, 7)
    assert set(arms.ns["a"].asked) == {"one two"}


@pytest.mark.parametrize(
    ("cell", "prompts"),
    [
        ("one\n", ["one"]),
        ("one\nstill one\n\n\n  two\n", ["one\nstill one", "two"]),
        ("one\n\nstill one\n---\ntwo\n---  \n", ["one\n\nstill one", "two"]),
        ("what is {x} and $x, 5 % of it? `y`", ["what is {x} and $x, 5 % of it? `y`"]),
        ("tell me of $`x`", ["tell me of `x` (int: 41)"]),
    ],
)
def test_the_cell_holds_the_prompts_as_written(arms, cell, prompts):
    arms.ns["x"] = 41

    arms.run(f"%%parity $a $b --rounds 1 --warmup 0\n{cell}")

    assert sorted(arms.ns["b"].asked) == sorted(prompts)


def test_prompts_of_the_line_and_the_cell_come_together_and_a_question_is_no_wish_for_help(arms):
    arms.run("%%parity $a $b --rounds 1 --warmup 0 --prompt first --prompt 'and second'\nthird")
    arms.run("%parity $a $b --rounds 1 --warmup 0 --prompt why?")

    assert sorted(arms.ns["b"].asked) == ["and second", "first", "third", "why?"]


def test_models_of_the_notebook_go_by_their_names(arms):
    arms.ns["model"] = ScriptedModel(*["Paris"] * 20)

    verdict = arms.run("%parity model $a --rounds 2 --prompt Where?")

    assert (verdict.baseline, verdict.candidate) == ("model", "a")
    assert all(trial.same_text for trial in verdict.trials)


async def recorded(path, *answers):
    cassette = Cassette(path, "record")
    model = CassetteModel(cassette, "scripted", lambda: ScriptedModel(*answers))
    for question in ("Where?", "When?"):
        async for _ in model.stream(Transcript.of(question), (), {}):
            pass
    cassette.save()


async def test_cassettes_are_asked_what_is_on_them_and_must_agree_to_the_letter(arms, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    await recorded("one.cassette.json", "Paris", "Now")
    await recorded("two.cassette.json", "Paris", "Then")

    same = arms.run("%parity cassette:one.cassette.json cassette:one.cassette.json --rounds 3")
    differs = arms.run("%parity cassette:one.cassette.json cassette:two.cassette.json --rounds 10")

    assert same.finding("behaviour").status == "accepted"
    assert {trial.prompt_id for trial in same.trials} == {trial.prompt_id for trial in differs.trials}
    assert differs.finding("behaviour").status == "rejected"


def test_a_journal_is_written_and_summarized(arms, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arms.run("%parity $a $b --rounds 2 --journal one.jsonl")
    arms.run("%parity $a $b --rounds 2 --journal two.jsonl")
    (tmp_path / "cut.jsonl").write_text((tmp_path / "one.jsonl").read_text()[:-20])

    both = arms.run("%parity summarize one.jsonl two.jsonl -o kept")
    wild = arms.run("%parity summarize t*.jsonl")
    cut = arms.run("%parity summarize --thresh 5 cut.jsonl")

    assert both is arms.ns["kept"]
    assert (both.rows, wild.rows, cut.rows) == (12, 6, 5)
    assert (cut.status, cut.thresh_pct) == ("invalid", 5)
    assert json.loads((tmp_path / "one.jsonl").read_text().splitlines()[0])["arms"] == ["a", "b"]


def test_variables_stand_for_numbers_and_files(arms, tmp_path):
    arms.ns.update(often=2, margin=7.5, path=tmp_path / "kept.jsonl", word="many")

    arms.run("%parity $a $b --rounds $often --thresh $margin --journal $path --prompt x")

    assert arms.run("%parity summarize $path --thresh $margin").rows == 2
    assert "$word is 'many', no int" in str(arms.fails("%parity $a $b --rounds $word", UsageError))


def test_defaults_are_traits_and_the_line_wins(arms):
    arms.run("%config ParityMagics.rounds = 1")

    assert len(arms.run("%parity $a $b --prompt x").trials) == 1
    assert len(arms.run("%parity $a $b --prompt x --rounds 2").trials) == 2


@pytest.mark.parametrize(
    ("line", "kind", "message", "hint"),
    [
        ("%parity $a", ConfigError, "the line names 1", "%parity A B"),
        ("%parity $a $b $b", ConfigError, "the line names 3", "%parity A B"),
        ("%parity $a $bb", ConfigError, "there is no bb", "did you mean b"),
        ("%parity $a core:new", ConfigError, "no core new", "legacy, extracted"),
        ("%parity $a cassette:none.json", ConfigError, "none.json", ""),
        ("%parity $a nowhere", UnknownModel, "nowhere", "provider/model"),
        ("%parity $a $number", ConfigError, "a int cannot be compared", "name a model"),
        ("%parity $a $b --rounds 0", ConfigError, "0 rounds", "1 round or more"),
        ("%parity $a $b --thresh 0", ConfigError, "threshold of 0 %", "--thresh 3"),
        ("%parity $a $b -o 1x", ConfigError, "'1x' is no name", ""),
        ("%%parity $a $b\n \n", ConfigError, "there are no prompts", "---"),
        ("%parity summarize", ConfigError, "no journal is named", "--journal FILE"),
        ("%parity summarize none.jsonl", ConfigError, "none.jsonl", ""),
        ("%parity $a $b --round 3", UsageError, "did you mean --rounds", None),
        ("%parity $a $b --rounds many", UsageError, "--rounds", None),
    ],
)
def test_what_cannot_be_is_said_with_its_remedy(arms, line, kind, message, hint):
    arms.ns["number"] = 3

    error = arms.fails(line, kind)

    assert message in str(error)
    if hint is not None:
        assert hint in error.hint
        assert len(error._render_traceback_()) <= 2
    assert "_parity_verdict" not in arms.ns


def test_the_magic_tells_what_it_can_do(arms, capsys):
    arms.run("%parity --help")
    told = capsys.readouterr().out
    arms.run("%parity")

    assert all(word in told for word in ("--rounds", "--thresh", "--journal", "summarize"))
    assert "core:legacy" in arms.shown
    assert "rejected, undecided" in arms.shell.find_line_magic("parity").__doc__


def test_a_terminal_is_told_the_figures(arms):
    verdict = arms.run("%parity $a $b --rounds 4 --prompt x")

    text = arms.shell.display_formatter.format(verdict)[0]["text/plain"]

    assert text.startswith("b against a: ")
    assert "the baseline against itself" in text
