from rows import read


def test_new_answers():
    rows = read("new.jsonl")
    hits = sum(row["output"] == row["expected"] for row in rows)
    assert hits / len(rows) >= 0.85, f"{hits} of {len(rows)} are right"
