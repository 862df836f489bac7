import vcr
from app import ask
from pydantic_evals import Case, Dataset
from pydantic_evals.evaluators import IsInstance
from rows import read

tape = vcr.VCR(record_mode="none", match_on=["method", "uri", "body"])


def replay(row):
    with tape.use_cassette(f"cassettes/{row['id']}.yaml"):
        return ask(row["input"])


dataset = Dataset(
    name="sums",
    cases=[Case(name=row["id"], inputs=row) for row in read("cases.jsonl")],
    evaluators=[IsInstance(type_name="int")],
)
# vcrpy patches the whole process: one case at a time.
report = dataset.evaluate_sync(replay, max_concurrency=1, progress=False)
print(f"{len(report.cases)} answers, {len(report.failures)} failures")
raise SystemExit(bool(report.failures) or report.averages().assertions < 1)
