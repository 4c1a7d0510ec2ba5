"""The page in real Chromium, driven by keys alone, and the server that it talks to."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lookalike.decisions import Decisions
from lookalike.errors import OptionError
from lookalike.review.exchange import static_page
from lookalike.review.reviewing import Review
from lookalike.review.server import Server, config, page
from tests.forks import Forked, command
from tests.paths import PACKAGE
from tests.review import chromium
from tests.review.chromium import Page

DONE = "document.getElementById('done').textContent == '{}'"


@pytest.fixture
def browse(tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """browse(url) -> a page in a browser of its own; where there is no Chromium, the test is skipped."""
    path = chromium.found()
    if path is None:
        pytest.skip("Chromium is not installed: `make browser` installs it")
    pages: list[Page] = []

    def start(url: str) -> Page:
        pages.append(Page(path, tmp_path / f"profile{len(pages)}", url))
        return pages[-1]

    yield start
    for one in pages:
        one.close()


def ask(
    server: Server,
    path: str,
    body: Any = None,
    token: str | None = None,
    host: str | None = None,
    origin: str | None = None,
) -> tuple[int, Any]:
    """(status, JSON or text) of a request as a browser makes it, but for what is given."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    headers = {
        "Host": host or f"127.0.0.1:{server.port}",
        "X-Token": server.token if token is None else token,
    }
    headers |= {"Origin": origin} if origin else {}
    data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    connection.request("GET" if data is None else "POST", path, data, headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, json.loads(text) if text.startswith("{") else text


def told(row: int, answer: str, **more: Any) -> dict[str, Any]:
    return {"key": f"k{row}{answer}", "row": row, "turn": 1, "reviewer": "ann", "answer": answer} | more


def test_only_the_page_itself_is_served(
    table: pd.DataFrame, begun: Callable[..., Review], served: Callable[..., Server]
) -> None:
    one = begun(table)
    server = served(one)
    right, port = told(0, "keep"), server.port
    cases = [
        ({"token": "wrong"}, "the token of the address is missing or wrong"),
        ({"token": ""}, "the token of the address is missing or wrong"),
        ({"host": f"evil.test:{port}"}, "this page is only for this machine"),
        ({"host": "127.0.0.1:1"}, "this page is only for this machine"),
        ({"origin": "http://evil.test"}, "another page may not use this one"),
        ({"origin": "null"}, "another page may not use this one"),
        ({"origin": f"https://127.0.0.1:{port}"}, "another page may not use this one"),
    ]
    for how, sentence in cases:
        for path, body in (("/api/answer", right), ("/api/next?reviewer=ann", None)):
            status, said = ask(server, path, body, **how)
            assert status == 403 and sentence in said["error"], how
        assert ask(server, "/", None, **how)[0] == 403
    assert not one.store.state().standing
    for more in ({"origin": f"http://localhost:{port}"}, {"host": f"localhost:{port}"}):
        assert ask(server, "/api/answer", right, **more)[0] == 200
    assert ask(server, f"/?token={server.token}", token="")[0] == 200
    assert server.server_address[0] == "127.0.0.1"


def test_what_is_no_answer_is_refused_in_a_sentence(
    table: pd.DataFrame, begun: Callable[..., Review], served: Callable[..., Server]
) -> None:
    one = begun(table, label="category")
    server = served(one)
    cases: list[tuple[Any, str]] = [
        (b"{", "this is not an answer"),
        (b"[1]", "this is not an answer"),
        (told(60, "keep"), "this is not an answer"),
        (told(-1, "keep"), "this is not an answer"),
        (told(True, "keep"), "this is not an answer"),
        (told(0, "burn"), "this is not an answer"),
        (told(0, "keep", turn=3), "this is not an answer"),
        (told(0, "keep", key=""), "this is not an answer"),
        (told(0, "keep", reviewer=" "), "a reviewer is not named"),
        (told(0, "label", value="nothing"), "'nothing' is none of the labels"),
        (told(0, "edit", value={"nothing": "x"}), "this edit names no column"),
        (told(0, "edit", value={"text": 7}), "the cell of 'text' is no text"),
    ]
    for body, sentence in cases:
        status, said = ask(server, "/api/answer", body)
        assert status == 400 and sentence in said["error"], body
    assert ask(server, "/api/card?row=99")[0] == 400
    assert ask(server, "/api/next?reviewer=ann&held=x")[0] == 400
    assert ask(server, "/api/nothing")[0] == 404
    assert not one.store.state().standing


def test_a_full_disk_is_told_and_the_answer_can_be_sent_again(
    table: pd.DataFrame, begun: Callable[..., Review], served: Callable[..., Server], capsys: Any
) -> None:
    one = begun(table)
    server = served(one)
    (pages,) = one.store._answers.execute("PRAGMA page_count").fetchone()
    one.store._answers.execute(f"PRAGMA max_page_count = {pages}")
    long = told(0, "edit", value={"text": "x" * 20_000})
    status, said = ask(server, "/api/answer", long)
    assert status == 507 and "the disk is full: free some space" in said["error"]
    assert "the disk is full" in capsys.readouterr().err
    one.store._answers.execute("PRAGMA max_page_count = 100000")
    assert ask(server, "/api/answer", long)[0] == 200
    assert ask(server, "/api/answer", long)[0] == 200  # sent again
    assert len(one.store.state().standing) == 1


def test_the_same_address_after_a_restart_and_another_port_where_it_is_taken(
    table: pd.DataFrame, begun: Callable[..., Review], served: Callable[..., Server]
) -> None:
    one = begun(table)
    first = served(one, port=0)
    with pytest.raises(OptionError, match=f"port {first.port} is in use: choose another one with --port"):
        served(one, port=first.port)
    other = served(one, port=None)  # its usual one is taken
    assert other.port != first.port and other.token == first.token


def test_nothing_in_the_data_ends_the_script_that_holds_it() -> None:
    evil = "</script><script>alert(1)</script><!--&amp;"
    source = page({"evil": evil})
    (data,) = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', source)
    assert json.loads(data) == {"evil": evil}
    assert source.count("<script") == 2 and "alert(1)</script>" not in source


def test_the_page_makes_no_html_of_texts_and_asks_for_nothing_from_elsewhere() -> None:
    source = (PACKAGE / "review" / "page.html").read_text()
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", source)
    assert not re.search(r'(src|href)="(?!data:)|https?://|@import|url\(', source)


def test_keys_alone_answer_100_items_while_the_server_is_killed_and_two_people_work(
    table: pd.DataFrame, tmp_path: Path, browse: Callable[..., Page]
) -> None:
    """Every key press of either reviewer is one answer on disk, and scripts in rows do nothing."""
    script = "<script>window.owned = 1</script><img src=x onerror='window.owned = 1'>"
    texts = [f"{script if row % 5 == 0 else ''} text number {row} of the table" for row in range(95)]
    rows = pd.DataFrame({"text": texts, "label": [("no", "maybe", "yes")[row % 3] for row in range(95)]})
    source, out = tmp_path / "rows.csv", tmp_path / "out.csv"
    rows.to_csv(source, index=False)

    def start() -> tuple[Forked, str]:
        asked = ["review", str(source), "-o", str(out), "--label", "label", "--queue", "100"]
        process = Forked(command, asked)
        for line in process.stderr:
            if "token=" in line:
                return process, line.strip()
        raise AssertionError("the server did not start")

    process, url = start()
    ann, bob = browse(f"{url}&reviewer=ann"), browse(f"{url}&reviewer=bob")
    pressed = {"ann": 0, "bob": 0}
    for one in (ann, bob):
        one.wait("document.querySelector('.main-card')")

    def press(one: Page, name: str, key: str) -> None:
        one.wait("shown.length && mode === 'card'")
        one.press(key)
        pressed[name] += 1

    for turn in range(25):
        press(ann, "ann", ("Enter", "1", "x", "n", "s")[turn % 5])
        press(bob, "bob", ("2", "y", "Enter", "m", "3")[turn % 5])
    process.kill()  # in the middle, with answers on their way
    process.wait()
    for _ in range(2):  # what was fetched ahead goes on
        if ann.run("shown.length"):
            ann.press("Enter")
            pressed["ann"] += 1
    ann.wait("!document.getElementById('notice').hidden")
    assert "The server does not answer" in ann.run("document.getElementById('notice').textContent")
    process, again = start()
    assert again == url
    for one in (ann, bob):
        one.wait("waiting.length === 0")
    while sum(pressed.values()) < 100:
        for one, name in ((ann, "ann"), (bob, "bob")):
            one.wait("mode === 'end' || (shown.length && mode === 'card')")
            if one.run("mode === 'card'") and sum(pressed.values()) < 100:
                press(one, name, "Enter")
                one.wait("waiting.length === 0")
        assert not all(one.run("mode === 'end'") for one in (ann, bob)) or sum(pressed.values()) >= 100
    for one in (ann, bob):
        one.wait("waiting.length === 0")
        assert one.run("window.owned") is None
    errors = [line for line in ann.said + bob.said if "net::ERR_" not in line]
    assert errors == []
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 0
    answers = [json.loads(line) for line in Path(f"{out}.answers.jsonl").read_text().splitlines()]
    assert {name: sum(a["reviewer"] == name for a in answers) for name in pressed} == pressed
    assert "100 of 100 items are answered" in said and "ann and bob: Cohen's kappa" in said
    twice = {
        a["row"]: {b["reviewer"] for b in answers if b["row"] == a["row"]} for a in answers if a["turn"] == 2
    }
    assert len(twice) == 10 and all(who == {"ann", "bob"} for who in twice.values())


def test_edit_find_undo_type_ahead_and_help(
    table: pd.DataFrame,
    decisions: Decisions,
    begun: Callable[..., Review],
    served: Callable[..., Server],
    browse: Callable[..., Page],
) -> None:
    rows = table.assign(label=[f"{'xyz'[row % 3]}{row % 12}" for row in range(60)], size=range(60))
    one = begun(rows, real=rows[40:], label="label", queue=20)
    server = served(one)
    view = browse(server.url())
    view.wait("document.querySelector('#panel input')")  # who are you?
    view.press(*"ann", "Enter")
    view.wait("document.querySelector('.main-card') && shown.length === 2")
    assert "nearest real row" in view.run("document.body.innerText")
    first = view.run("shown[0].row")
    view.press("e")
    view.wait("mode === 'edit'")
    view.press(*"!!")
    view.press("Enter", modifiers=2)
    view.wait(DONE.format(1))
    second = view.run("shown[0].row")
    view.press(" ")  # more labels than digits: type ahead, also of a letter that is a command
    view.press(*"x9", "Enter")
    view.wait(DONE.format(2))
    view.press("y", "1", "ArrowDown", "Enter")
    view.wait(DONE.format(3))
    view.press("u")
    view.wait(DONE.format(2))
    view.press("?")
    view.wait("!document.getElementById('panel').hidden")
    assert "Keys" in view.run("document.getElementById('panel').innerText")
    view.press("Escape", "/", *rows.text[59].lower())
    hits = "document.querySelector('.hits')"
    view.wait(f"{hits}.textContent.includes('row 60') && {hits}.children.length === 1")
    view.press("Enter")
    view.wait("shown[0].row === 59")
    view.press("x")
    view.wait("waiting.length === 0")
    standing = one.store.state().standing
    (edited,), (labelled,) = standing[first, 1], standing[second, 1]
    assert edited.value == {"text": rows.text[first] + "!!"}
    assert (labelled.answer, labelled.value) in {("label", "x9"), ("keep", None)}
    assert any(answers[-1].answer == "drop" for answers in standing.values())
    view.send("Emulation.setDeviceMetricsOverride", width=400, height=800, deviceScaleFactor=1, mobile=True)
    assert view.run("document.documentElement.scrollWidth") <= 400
    assert view.said == []


def test_a_pair_is_judged_without_the_names(
    begun: Callable[..., Review], served: Callable[..., Server], browse: Callable[..., Page]
) -> None:
    rows = pd.DataFrame(
        {
            "question": [f"what is {n} and {n}?" for n in range(20)],
            "ours": [f"good {n}" for n in range(20)],
            "theirs": [f"bad {n}" for n in range(20)],
        }
    )
    one = begun(rows, pair=("ours", "theirs"), queue=20)
    view = browse(served(one).url("ann"))
    sides = set()
    for done in range(20):
        view.wait("shown.length && mode === 'card'")
        text = view.run("document.body.innerText")
        assert "ours" not in text and "theirs" not in text
        left = view.run("shown[0].answers[0]").startswith("good")
        sides.add(left)
        view.press("1" if left else "2")
        view.wait(DONE.format(done + 1))
    assert sides == {True, False}  # blind: either may stand first
    out, decided = one.outcome()
    assert set(out["preferred"].dropna()) == {"ours"} and out["preferred"].notna().sum() == 18
    assert decided.dropped() == []


def test_the_static_page_works_from_disk(
    table: pd.DataFrame,
    decisions: Decisions,
    begun: Callable[..., Review],
    browse: Callable[..., Page],
    tmp_path: Path,
) -> None:
    one = begun(table, decisions, queue=10)
    file = tmp_path / "page.html"
    file.write_text(static_page(one.cards, one.items, config(one.cards, "t", 0.05, "ann"), "abc"))
    view = browse(file.as_uri())
    folder = tmp_path / "saved"
    view.send("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
    for done, key in enumerate(["Enter", "x", "s", "Enter", "x", "u", "Enter"]):
        view.wait("shown.length && mode === 'card'")
        view.press(key)
        view.wait(DONE.format(done + 1 if key != "u" and done < 5 else done - 1))
    assert view.run("window.owned") is None
    view.run("download()")
    view.wait("true")
    saved = folder / "answers.jsonl"
    for _ in range(200):
        if saved.exists():
            break
        view.run("new Promise((done) => setTimeout(done, 50))")
    lines = [json.loads(line) for line in saved.read_text().splitlines()]
    assert len(lines) == 5 and {line["table"] for line in lines} == {"abc"}
    assert [line["row"] for line in lines] == [item.row for item in one.items[:5]]
    assert view.said == []
    assert os.path.getsize(file) < 200_000
