"""What a scorecard leaves behind as plain JSON."""

import json

from pytest_llmprod.core.scorecard import Gate, Paired, Rate, ScorecardResult


def test_a_result_travels_as_plain_json() -> None:
    recall = Rate(name="recall", hits=9, of=10, facet="kind", value="card")
    pair = Paired(rate="recall", old="v1", broken=1, mended=4, of=10, p_value=0.375, is_worse=False)
    result = ScorecardResult(
        name="redact",
        test="t.py::test_g",
        rates=(recall,),
        gates=(Gate(rate=recall, wanted=0.5),),
        pairs=(pair,),
        left=("3: card: all of it",),
    )

    row = result.to_json()

    assert ScorecardResult.from_json(json.loads(json.dumps(row))) == result
    assert row["rates"] == [
        {
            "rate": "recall",
            "facet": "kind",
            "value": "card",
            "hits": 9,
            "of": 10,
            "share": 0.9,
            "bounds": list(recall.bounds),
        }
    ]
