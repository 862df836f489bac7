MODEL=old pytest --llm-eval -q test_judge.py --llm-json=old.json
MODEL=new pytest --llm-eval -q test_judge.py --llm-json=new.json
llmprod compare old.json new.json
