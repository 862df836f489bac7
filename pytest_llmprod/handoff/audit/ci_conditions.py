"""CI conditions: does the text of a condition leave changes out?

A condition that is not known leaves nothing out. Texts are in lower case.
"""

import re

#: What only one branch fulfils, only tags, a label, a schedule, or a start by hand.
_OF_FEW = re.compile(
    # GitHub
    r"github\.ref(?:_name)? == (?:'|format\(|github\.event\.repository\.default_branch)"
    r"|github\.ref_type == 'tag'"
    r"|github\.event_name == '(?:schedule|workflow_dispatch|repository_dispatch|release)'"
    r"|(?<!!)contains\(github\.event\.pull_request\.labels[^)]*(?:\)|$)(?! (?:!=|== false))"
    r"|github\.event\.label\.name == "
    r"|(?<!!)github\.event\.pull_request\.merged\b(?! (?:!=|== false))"
    # GitLab
    r"|\$ci_commit_(?:branch|ref_name) (?:== (?!null)|=~ /(?!\^?(?:\.[*+]?)?\$?/))"
    r"|^\$ci_commit_tag(?! == null)"
    r"|\$ci_pipeline_source == ['\"]?(?:schedule|web|api|trigger|pipeline)"
    # Azure Pipelines
    r"|variables(?:\['build\.|\.build\.)sourcebranch\S* == "
    r"|variables(?:\['build\.|\.build\.)reason\S* == '(?:schedule|manual)'"
    # GitHub and Azure Pipelines
    r"|(?<!!)startswith\((?:github\.ref|variables\S*\bbuild\.sourcebranch\S*), ?'refs/tags"
    # CircleCI
    r"|pipeline\.git\.(?:branch|tag) (?:(?:==|starts-with|in) (?!\"\")|matches /(?!\^?\.[*+]\$?/))"
    r"|pipeline\.git\.branch\.is_default|pipeline\.trigger_source == \"scheduled_pipeline\""
    # Travis; `branch` of a pull request is the one that it is for
    r"|(?<![.$-])\btag (?:is present|==? |=~ )"
    r"|(?<![.$-])\btype (?:==?|in) \(?(?:cron|api)\b(?!.*\b(?:push|pull_request)\b)"
    r"|^(?=.*\btype (?:==? push|!= pull_request)\b)(?=.*\bbranch (?:==?|=~|in) )"
)
_R = r"variables(?:\['build\.reason'\]|\.build\.reason)"
#: What only pushes fulfil, to whichever branch.
_OF_PUSHES = re.compile(
    r"github\.event_name (?:== 'push'|!= 'pull_request')"
    rf"|{_R} (?:== '(?:individual|batched)ci'|!= 'pullrequest')"
    rf"|\bin\({_R}(?:, ?'(?:individual|batched)ci')+\)"
)
_NEVER = ("false", "never()", "failure()", "failed()", "cancelled()", "canceled()")
_DENIED = re.compile(r"\bor\(|\bnot[ (]|!\s*\(")
#: The left side of `eq(a, b)`, `ne(a, b)` or `not(eq(a, b))` of Azure Pipelines.
_COMPARED = re.compile(r"\b(eq|ne|not\(eq)\(([^(),]+), *")
_EQUALS = re.compile(r" *([!=]=) *")
#: A comparison whose left side is the known one.
_TURNED = re.compile(r"('[^']*'|\"[^\"]*\"|null|[$\w.]*default_branch) ([!=]=) ([^\s()&|]+)")
_MOST_CHARACTERS = 4_000  # a search takes time that grows with its square
_OR = re.compile(r"\|\|| or ")


def is_of_few(condition: str) -> bool:
    """Say whether each alternative of a condition is fulfilled by few changes, or by none."""
    text = _plain(condition)
    if text in _NEVER:
        return True
    if _DENIED.search(text):
        return False
    return all(_OF_FEW.search(each.strip(" ()")) for each in _OR.split(text))


def pushes_asked_for(condition: str) -> str:
    """Return the part of a condition that only pushes fulfil, '' where others fulfil it too."""
    text = _plain(condition)
    found = _OF_PUSHES.search(text)
    return "" if found is None or _DENIED.search(text) or _OR.search(text) else found[0]


def _plain(condition: str) -> str:
    """Return a condition that compares with `==` and `!=`, what is known on the right side.

    Of one that is too long to be searched, nothing is returned.
    """
    if len(condition) > _MOST_CHARACTERS:
        return ""
    text = _COMPARED.sub(_operator, condition)
    return _TURNED.sub(r"\3 \2 \1", _EQUALS.sub(r" \1 ", text)).replace("! ", "!")


def _operator(found: re.Match[str]) -> str:
    return f"{found[2]} {'==' if found[1] == 'eq' else '!='} "
