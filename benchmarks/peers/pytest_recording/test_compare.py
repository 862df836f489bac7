from rows import read


def test_new_is_not_worse_than_old():
    old = {row["id"] for row in read("old.jsonl") if row["output"] == row["expected"]}
    new = {row["id"] for row in read("new.jsonl") if row["output"] == row["expected"]}
    assert len(new) >= len(old), f"{len(old - new)} broken, {len(new - old)} fixed"
