from judge_sums import judge

old, new = judge("old.jsonl"), judge("new.jsonl")
new.print(baseline=old, include_durations=False)
raise SystemExit(new.averages().assertions < old.averages().assertions)
