from judge import judge

old, _ = judge("old.jsonl")
new, _ = judge("new.jsonl")
print(f"{len(old - new)} broken, {len(new - old)} fixed")
raise SystemExit(len(new) < len(old))
