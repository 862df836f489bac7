"""Tests of the application's own log: does it explain each call to the model?"""

import asyncio

from app.triage import ask_model, ask_model_async

DECISION = {"label": "refund", "urgency": "normal", "language": "en"}


def test_each_call_can_be_explained_from_the_log(llm_script, llm_records):
    llm_script.json(DECISION)

    ask_model("Where is my refund?")
    asyncio.run(ask_model_async("I sent the shoes back in May."))

    llm_records.assert_complete()
