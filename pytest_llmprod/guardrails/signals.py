"""Signals: the wordings by which a text gives orders to a model that should only read it.

Each pattern is tried only where a text holds one of its hints, which are literal, so that a text
without any is read once. Patterns are for small letters, and none looks further than a few lines.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pytest_llmprod.guardrails.hits import Hit

#: The kinds of findings. In an `embedded_task` a text tells how the answer is to be written.
INJECTION_KINDS = (
    *("override", "new_instructions", "role_play", "role_token", "delimiter", "prompt_leak"),
    *("authority", "tool_call", "link", "output_control", "embedded_task", "exfiltration"),
    *("many_shot", "payload_splitting", "decode_and_do", "hidden_text"),
)


@dataclass(frozen=True, slots=True)
class Signal:
    """A wording: `pattern` for text in small letters, which holds one of the `hints`."""

    kind: str
    hints: tuple[str, ...]
    pattern: re.Pattern[str]


def signal(kind: str, hints: str, *ways: str) -> Signal:
    """Return the signal that has these hints, with bars between them, and these ways to word it."""
    return Signal(kind, tuple(hints.split("|")), re.compile("|".join(ways)))


def find_signals(text: str, lower: str) -> Iterator[Hit]:
    """Find the wordings in a text; `lower` is the text in small letters, of the same length."""
    for each in (*ENGLISH, *FOREIGN):
        if any(hint in lower for hint in each.hints):
            for match in each.pattern.finditer(lower):
                start, end = match.span()
                yield Hit(each.kind, start, end, text[start:end], each.kind.replace("_", " "))


_UNDO = (
    r"(?:ignor(?:e|ing)|disregard(?:ing)?|forget|overr(?:ide|ule)|bypass|discard|neglect|cancel"
    r"|(?:do not|don't|stop) (?:follow|obey|listen to|comply with)(?:ing)?)"
)
_EARLIER = (
    r"(?:previous|prior|above|earlier|preceding|former|initial|original|foregoing|system|your|all"
    r"|any|existing|safety|current|other)"
)
_ORDERS = (
    r"(?:instruct\w{1,6}|prompts?|rules|directi\w{1,5}|guidelines|commands|orders|polic\w{1,3}"
    r"|constraints|restrictions|training|programming|guardrails?|filters|safeguards)\b"
)
# "Ignore the instructions on page 2" is honest: what is to be ignored must be the model's own.
_OWN_ORDERS = rf"(?:(?:of|the|these|those|my|and|or|given) ){{0,3}}(?:{_EARLIER} ){{1,4}}"
_OWN_ORDERS += rf"(?:(?:the|of|your|and) ){{0,2}}{_ORDERS}"
_ALL_ABOVE = (
    r"(?:everything|all|anything|what(?:ever)?|the (?:text|context|content))(?: that| which| of)?"
    r"(?: is| was| were| has been| have been| you| i)?(?: have been| were| have| been| was)?"
    r"(?: written| told| said| given| learned| stated)?(?: to you)?"
    r" (?:above|before(?: this)?|previously|so far|earlier|told|said|know)\b"
)
_NO_RULES = (
    r"(?:has|have|with|without|no|ignores?|free of|not bound by) (?:any |all |no |its )?"
    r"(?:rules|restrictions|limits|limitations|filters?|guidelines|ethics|morals|censorship)"
)
_OBEDIENT = (
    r"does? (?:all|everything|anything)(?: that)? (?:it|you|he|she) (?:is|are) (?:told|asked)"
)
_MODE = r"(?:developer|god|dan|jailbreak|debug|sudo|unrestricted) mode"
_TELL = (
    r"(?:reveal|print|repeat|show|output|display|tell|write|recite|leak|expose|disclose|give"
    r"|quote|copy|dump|echo|summari[sz]e|share|list)(?: me| us| out| down| back| the user){0,2}"
    r"(?: exactly| verbatim| all| everything)?(?: of| in)?"
)
_SECRETS_OF_IT = (
    r"(?:system (?:prompt|message|instructions?)|(?:hidden|secret|initial|original) (?:prompt|rules"
    r"|instructions?)|instructions? (?:above|verbatim|you (?:were|have been) given)"
    r"|(?:code ?word|secret(?: word| key| code)?|canary|password) (?:of|in|from) (?:your"
    r"|the system)"
    r" (?:instructions?|prompt|context)|(?:text|words|content|conversation) above\b)"
)
_WHO = r"(?:administrator|admin|developer|creator|owner|root user|openai|anthropic|security team)"
_FUNCTION = r"[`\"']?[a-z][a-z0-9]{0,30}_\w{1,40}"
_ADDRESS = r"<?(?:https?://|www\.)[^\s>]{3,200}>?"
_CHANGE = (
    r"\b(?:use|provide|replace|substitute|render|introduce|misspell|scramble|jumble|anagram|remove"
    r"|combine|include|add|integrate|modify|enhance|augment|embed|insert|incorporate|append|write"
    r"|encode|translate|convert|reverse|omit|mention|begin|start|end|finish|alter|adapt|change"
    r"|extend|format|compose|craft|deliver|present|express|put|place|shuffle|rearrange|merge|group"
    r"|delete|swap|mix|apply|utili[sz]e|suggest|promote|recommend|conclude|rewrite|state|employ)\b"
)
_SAID = r"(?:response|reply|answer|output|message|summary)(?:'s)?\b"
_IN_A_SENTENCE = r"(?:[^.!?\n\"]|\"[^\"\n]{0,120}\"|\.(?=\w))"
_LINE = r"[^\n]{1,200}\n{1,2}"
_SURE = r"(?:of course|done|sure|yes|okay)"

ENGLISH = (
    signal(
        "override",
        "ignor|disregard|forget|overrid|overrul|bypass|discard|neglect|cancel|follow|obey|listen"
        "|comply",
        rf"{_UNDO} {_OWN_ORDERS}",
        rf"{_UNDO} (?:about )?{_ALL_ABOVE}",
    ),
    signal(
        "new_instructions",
        "new |updated|your task|your goal|your real|your only",
        r"(?:these|here|following|this) (?:is|are) your (?:new|updated|real) (?:system )?"
        r"(?:instruct\w{1,6}|task|rules|objective|goal|prompt|orders)",
        r"\b(?:new|updated) (?:system )?(?:instruct\w{1,6}|task|objective|prompt)(?: for the (?:ai"
        r"|assistant|model))?:",
        r"your (?:new|real|actual|only) (?:task|goal|objective|instructions?|job) (?:is|are)\b",
    ),
    signal(
        "new_instructions",
        "from now on|henceforth|from this point|ends here|stops here",
        r"(?:from now on|henceforth|from this point (?:on|forward)),? you (?:are|will|must|shall"
        r"|should|have|can|may|answer|respond|act|obey|only)\b",
        r"(?:ends|stops) here[.!]\s{1,2}(?:now|next|then)\b",
    ),
    signal(
        "role_play",
        "you are|you're|pretend|act as|imagine",
        r"(?:you are|you're|pretend(?: to be| that you are)?|act as|imagine you are)(?: now| going"
        rf" to be)? (?:an? |the )?(?:dan\b|[^.!?\n]{{0,80}}?(?:{_NO_RULES}|{_OBEDIENT}|unrestricted"
        r"|unfiltered|uncensored|can do anything|never refuses?))",
        r"pretend that this is (?:only |just )?a (?:test|game|simulation)",
    ),
    signal(
        "role_play",
        "do anything now| mode",
        r"do anything now",
        rf"{_MODE} (?:is )?(?:now )?(?:on\b|enabled|activated)",
        rf"(?:enter|enable|activate|switch to|you are (?:now )?in) (?:the )?{_MODE}",
    ),
    signal(
        "role_token",
        "im_start|im_end|im_sep|eot_id|_of_text|endoftext|endofprompt|header_id|system|user"
        "|assistant|channel|message|[inst]|[/inst]|sys>>|_of_turn>",
        r"<\|(?:im_start|im_end|im_sep|system|user|assistant|start_header_id|end_header_id|eot_id"
        r"|begin_of_text|end_of_text|endoftext|start|end|channel|message|endofprompt)\|>",
        r"\[/?inst\]|<</?sys>>|<(?:start|end)_of_turn>",
    ),
    signal(
        "role_token",
        "role",
        r"[\"']role\\?[\"']\s{0,3}:\s{0,3}\\?[\"'](?:system|developer|assistant)\\?[\"']\s{0,3},"
        r"\s{0,3}\\?[\"']content",
    ),
    signal(
        "role_token",
        "system|human:|assistant:|[admin|instruct",
        r"(?:^|\n)[#*> ]{0,6}system(?: message| prompt| override)? ?:\*{0,2} ",
        r"(?:^|\n)\[(?:system|admin)(?: message| override)?\]",
        r"(?:^|\n)#{2,4} ?(?:system|instructions?):?\n",
        r"\n{2}(?:human|assistant): ",
    ),
    signal(
        "delimiter",
        "</",
        r"</(?:document|context|input|data|user_?(?:input|message|query)?|untrusted\w{0,20}|system"
        r"|instructions?|prompt|email|article|tool_?(?:result|output)?|search_?results?|query)>"
        r"\s{0,4}[^<\s][^<]{2,}+(?:<(?:document|context|input|data|user|untrusted|instruction"
        r"|system|prompt|email|article|tool|search|query)|\Z)",
    ),
    signal(
        "delimiter",
        "end of|input ends|document ends|context ends|prompt ends",
        r"[-=#*_]{2,8} ?(?:end of (?:the |user )?(?:input|document|context|prompt|instructions?"
        r"|data|text|article)|(?:input|document|context|prompt) ends) ?[-=#*_]{2,8}",
    ),
    signal(
        "prompt_leak",
        "prompt|instruction|code word|codeword|canary|above|your system|the system|hidden",
        rf"{_TELL} (?:your|the|its|any|all)(?: own| full| entire| whole| exact| complete| hidden"
        rf"| confidential| internal){{0,2}} {_SECRETS_OF_IT}",
        r"(?:repeat|print|output|write) (?:everything|all|the words) (?:above|before)",
        r"what (?:is|are|was|were) your (?:system prompt|(?:initial|original|hidden|exact)"
        r" (?:prompt|instructions))",
    ),
    signal(
        "authority",
        "administrator|developer|creator|security|openai|anthropic|owner|admin|order",
        rf"(?:i am|i'm|this is|message from) (?:the |your |an? )?(?:system |lead )?{_WHO}"
        r"(?: team)?(?: (?:of|for|at|who (?:made|built|runs)) (?:this|the|your)\b|[.:] (?:for|as"
        r"|please|you|i |do|by|ignore))",
        r"(?:by|on) (?:the )?orders? of (?:the )?(?:security|admin|system|developer|management)",
    ),
    signal(
        "tool_call",
        "call|invoke|run|execute|use |trigger",
        rf"(?:call|invoke|run|execute|use|trigger) (?:the |this )?(?:tool|function) {_FUNCTION}",
        rf"(?:call|invoke|execute|trigger) (?:the )?{_FUNCTION}[`\"']? (?:tool|function)",
        r"(?:call|invoke) the (?:tool|function) [`\"']?\w{2,40}[`\"']? (?:now|with)",
    ),
    signal(
        "link",
        "http|www.",
        r"(?:open|visit|fetch|load|browse(?: to)?|navigate to|request|retrieve) (?:the (?:link|url"
        rf"|page) )?{_ADDRESS} and (?:show|display|follow|do|summari[sz]e|execute|run|obey)",
    ),
    signal(
        "output_control",
        "only with|exclusively with|nothing else|no matter what|just with",
        r"(?:answer|respond|reply)(?: to [^.!?\n]{1,30})? (?:only|exclusively|just) with (?:the |a "
        r"|this )?(?:label|word|phrase|text|string|code|sentence|single|number|[\"'`])",
        r"(?:answer|respond|reply|output|say|print) [^.!?\n]{1,60}? and nothing else",
        r"(?:answer|respond|reply) [^.!?\n]{0,40}?no matter what (?:the|is|was|they)",
    ),
    signal(
        "embedded_task",
        "your response|your reply|your answer|your message|your output|your summary",
        rf"{_CHANGE}(?:{_IN_A_SENTENCE}{{0,140}}?[ ,'\"])?your {_SAID}",
        rf"(?:in|within|throughout|at the end of) your {_SAID}, [a-z]{{3,15}} ",
    ),
    signal(
        "exfiltration",
        "send|forward|post|upload|mail|transmit|exfiltrate|leak",
        r"(?:send|forward|post|upload|e-?mail|transmit|exfiltrate|leak) (?:(?:me|us|all|the|this"
        r"|any|every|a copy of) ){0,3}(?:user|customer|conversation|chat|history|personal|private"
        r"|confidential|secret|password|credential|api key|token|system prompt|data|file|contact"
        rf"|document)[^.!?\n]{{0,60}}? to (?:{_ADDRESS}|[\w.+-]{{1,64}}@|this (?:url|address))",
    ),
    signal(
        "many_shot",
        "user:|human:|q:",
        rf"(?:(?:user|human|q) ?\d?\d?: {_LINE}(?:assistant|ai|a|bot) ?\d?\d?: {_LINE}){{3,64}}",
        rf"user: {_LINE}assistant: {_SURE}[^\n]{{0,60}}\nuser: {_LINE}assistant:",
    ),
    signal("many_shot", "output:", rf"input: {_LINE}output: {_SURE}[^\n]{{0,60}}\n{_LINE}?input: "),
    signal(
        "payload_splitting",
        "together|concatenat|combin|join| + ",
        r"(?:\b\w{1,12} ?= ?[\"'][^\"'\n]{1,200}[\"'][;,\n. ]{1,4}){2,10}[^\n]{0,60}?(?:together"
        r"|concatenat|combin|join|\w \+ \w)",
    ),
    signal(
        "decode_and_do",
        "decode|decipher|decrypt|unscramble",
        r"(?:decode|decipher|decrypt|unscramble)[^\n]{0,60}? (?:and|then) (?:do|follow|execute|obey"
        r"|act on|perform|carry out) (?:what|it|the|whatever|these|as)",
    ),
)

_UNDO_ABROAD = (
    r"(?:ignorier\w{0,3}|missachte\w{0,2}|vergiss|ignore[zr]?|oublie[zr]?|ignora|olvid[ae]"
    r"|dimentica|desconsidere|negeer|vergeet|zignoruj|zapomnij) (?:[^.!?\n]{0,30}? )??"
)
FOREIGN = (
    signal(
        "override",
        "anweisung|instruktion|vorgaben|regeln|instructies",
        rf"{_UNDO_ABROAD}(?:bisherig|vorherig|vorig|obig|fr\u00fcher|eerder|alle)\w{{0,3}} "
        r"(?:\w{1,15} )?(?:anweisung|instruktion|vorgaben|regeln|instructies)\w{0,3}",
    ),
    signal(
        "override",
        "instructions|consignes|instrucciones|istruzioni|instru\u00e7\u00f5es|instrukcje|polecenia",
        rf"{_UNDO_ABROAD}(?:instructions|consignes|instrucciones|istruzioni|instru\u00e7\u00f5es"
        r"|instrukcje|polecenia) (?:pr\u00e9c\u00e9dent|ant\u00e9rieur|anterior|previ|precedent"
        r"|pr\u00e9vi|ci-dessus)\w{0,3}",
        r"(?:zignoruj|zapomnij) (?:\w{1,15} ){0,3}(?:instrukcje|polecenia)",
    ),
    signal(  # Chinese and Japanese: "ignore the instructions above"
        "override",
        "\u5ffd\u7565|\u5ffd\u89c6|\u65e0\u89c6|\u7121\u8996",
        "(?:\u5ffd\u7565|\u5ffd\u89c6|\u65e0\u89c6)[^\u3002\n]{0,12}?(?:\u4e4b\u524d|\u4ee5\u4e0a|\u4e0a\u8ff0|\u5148\u524d|\u524d\u9762|\u6240\u6709)"
        "[^\u3002\n]{0,8}?(?:\u6307\u4ee4|\u6307\u793a|\u63d0\u793a|\u89c4\u5219|\u547d\u4ee4)",
        "(?:\u4e0a\u8a18|\u4ee5\u524d|\u3053\u308c\u307e\u3067)[^\u3002\n]{0,8}?(?:\u6307\u793a|\u547d\u4ee4)[^\u3002\n]{0,6}?\u7121\u8996",
    ),
    signal(  # Russian: "ignore, forget ... the instructions, orders, rules"
        "override",
        "\u0438\u0433\u043d\u043e\u0440\u0438\u0440|\u0437\u0430\u0431\u0443\u0434\u044c",
        "(?:\u0438\u0433\u043d\u043e\u0440\u0438\u0440\\w{1,5}|\u0437\u0430\u0431\u0443\u0434\u044c\\w{0,3})"
        "[^.!?\n]{0,30}? "
        "(?:\u0438\u043d\u0441\u0442\u0440\u0443\u043a\u0446|\u0443\u043a\u0430\u0437\u0430\u043d|\u043f\u0440\u0430\u0432\u0438\u043b)",
    ),
    signal(
        "prompt_leak",
        "codewort|systemprompt|mot de passe|prompt syst\u00e8me|palabra clave|prompt del sistema",
        r"(?:schreibe?|nenne|zeige?|verrate)[^.!?\n]{0,20}? (?:codewort|systemprompt)",
        r"(?:\u00e9cris|montre|r\u00e9v\u00e8le|donne)[^.!?\n]{0,20}? (?:mot de passe de"
        r" (?:tes|vos)|prompt syst\u00e8me)",
        r"(?:escribe|muestra|revela|dime)[^.!?\n]{0,20}? (?:palabra clave de (?:tus|sus)"
        r"|prompt del sistema)",
    ),
    signal(
        "output_control",
        "nur mit|seulement avec|solo con",
        r"(?:antworte nur mit|r\u00e9ponds seulement avec|responde solo con) (?:dem |der |le |la )?"
        r"(?:label|wort|mot|etiqueta|palabra)",
    ),
    signal(
        "tool_call",
        "werkzeug|l'outil|herramienta",
        r"rufe? (?:\w{1,12} )?das werkzeug \w|appelle l'outil \w|llama (?:ahora )?a la herramienta",
    ),
)
