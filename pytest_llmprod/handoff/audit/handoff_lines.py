"""Handoff lines: the request log, the runbook, and the people."""

from shlex import quote

from pytest_llmprod.core.checklist import Evidence
from pytest_llmprod.core.text import counted
from pytest_llmprod.handoff.audit.answers import Answer, failed, inapplicable, passed
from pytest_llmprod.handoff.audit.facts import Facts


def log_kept(facts: Facts) -> Answer:
    """Say whether runs keep a request log, and for how long."""
    at = Evidence(path="pyproject.toml")
    if facts.log.mode == "none":
        return failed('log = "none"', 'log = "all" in [tool.llmprod]', at)
    return passed(f"kept for {counted(facts.log.retention_days, 'day')}", at)


def log_not_committed(facts: Facts) -> Answer:
    """Say whether the request log stays out of version control."""
    committed = facts.log.committed
    if committed:
        says = f"{counted(len(committed), 'file')} of it in version control"
        return failed(says, "git rm -r --cached .llmprod", Evidence(path=committed[0]))
    path, line = facts.log.ignored_at
    if not path:
        return failed("no .gitignore names .llmprod/", "echo .llmprod/ >> .gitignore")
    return passed("ignored", Evidence(path=path, line=line))


def log_free_of_pii(facts: Facts) -> Answer:
    """Say whether the newest run logged nothing personal but what the data sets hold."""
    log = facts.log
    if not log.run:
        return inapplicable("no run has left a log here")
    at = Evidence(path=f".llmprod/runs/{log.run}", run=log.run, when=log.when)
    if log.leaks:
        says = f"it holds what no data set does: {', '.join(log.leaks)}"
        return failed(says, f"llmprod log purge --run {log.run}, and redact what is sent", at)
    if log.problem:
        return failed(log.problem, f"llmprod log purge --run {log.run}, and pytest --llm-eval", at)
    return passed("nothing personal that no data set holds", at)


def runbook_filled(facts: Facts) -> Answer:
    """Say whether there is a runbook with all that it has to tell, and nothing left to fill in."""
    runbook = facts.runbook
    if runbook is None:
        named = f" {quote(facts.runbook_named)}" if facts.runbook_named else ""
        says = f"there is no {facts.runbook_named or 'RUNBOOK.md'}"
        return failed(says, f"llmprod runbook{named}")
    missing = runbook.missing()
    if missing:
        says = f"no heading tells of {missing[0]}"
        mend = f"add a section about {missing[0]} to {runbook.path}"
        return failed(says, mend, Evidence(path=runbook.path))
    empty = runbook.unfilled()
    if empty is not None:
        at = Evidence(path=runbook.path, line=empty.line)
        return failed(f"{empty.title!r} is not filled in", f"fill in {at}", at)
    says = f"{counted(len(runbook.sections), 'section')} filled in"
    return passed(says, Evidence(path=runbook.path))


def owner_named(facts: Facts) -> Answer:
    """Say whether somebody owns the tests of the features."""
    if facts.owner is None:
        mend = "name an owner in CODEOWNERS, or in [tool.llmprod.features.NAME]"
        return failed("nobody is named", mend)
    return passed(facts.owner.name, facts.owner.at)


def on_call_named(facts: Facts) -> Answer:
    """Say whether somebody is called when the feature fails."""
    if facts.on_call is None:
        mend = "set escalation in [tool.llmprod.features.NAME], or annotate catalog-info.yaml"
        return failed("nobody is named", mend)
    return passed(facts.on_call.name, facts.on_call.at)
