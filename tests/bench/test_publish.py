from bench.publish import marks, mean, publish


def test_a_table_takes_the_place_between_its_marks_and_no_other(tmp_path):
    path = tmp_path / "RESULTS.md"
    publish("one", path, "bench.a")
    publish("two", path, "bench.b")
    begin, end = marks("bench.a")
    assert path.read_text().startswith(f"# Results\n\n{begin}\none\n{end}\n")
    path.write_text(path.read_text().replace(begin, "Said by hand.\n" + begin) + "The end.\n")
    publish("new\n\n| a |", path, "bench.a")
    text = path.read_text()
    assert f"Said by hand.\n{begin}\nnew\n\n| a |\n{end}\n" in text and "one" not in text
    assert text.endswith("two\n" + marks("bench.b")[1] + "\nThe end.\n")
    publish("new\n\n| a |", path, "bench.a")
    assert path.read_text() == text


def test_the_spread_is_that_of_a_sample():
    assert mean([1.0, 3.0], 2) == "2.00 ± 1.41" and mean([1.0], 1) == "1.0"
