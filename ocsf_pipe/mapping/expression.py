"""Expression text → `Expr`, by precedence climbing.

    or  <  and  <  not  <  = != <> < <= > >= in like between is  <  ||  <  + -  <  * / %  <  unary -  <  call, path

The grammar is SQL's where SQL has one. A parser of our own keeps the exact place of every word, which SQL
parsers rewrite or lose.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ocsf_pipe.errors import Span
from ocsf_pipe.mapping.syntax import ApplyExpr, CaseExpr, Expr, FollowExpr, LiteralExpr, PathExpr, Step

KEYWORDS = frozenset("case when then else end and or not in like is null true false between".split())

_TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<text>'(?:[^']|'')*')|"
    r'(?P<quoted>"(?:[^"]|"")*")|(?P<word>[A-Za-z_@$][\w@$]*)|(?P<sign>\|\||<=|>=|<>|!=|[-+*/%=<>(),.\[\]])'
)

_COMPARE = {"=": "eq", "!=": "ne", "<>": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
_LEVELS = (
    {"||": "concat_op"},
    {"+": "add", "-": "sub"},
    {"*": "mul", "/": "div", "%": "mod"},
)


class ExpressionError(ValueError):
    """The text is no expression; `at` and `end` are offsets into it."""

    def __init__(self, message: str, at: int, end: int) -> None:
        """Keep the place beside the fact."""
        super().__init__(message)
        self.at = at
        self.end = end


@dataclass(frozen=True, slots=True)
class Token:
    """One word of an expression, from `at` up to `end`."""

    kind: str
    text: str
    at: int
    end: int


Locate = Callable[[int, int], Span]


def tokenize(text: str) -> list[Token]:
    """Split into tokens; raises `ExpressionError` at the first character that starts none."""
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ExpressionError(f"`{text[at]}` cannot stand here", at, at + 1)
        if match.lastgroup != "space":
            tokens.append(Token(str(match.lastgroup), match.group(), at, match.end()))
        at = match.end()
    tokens.append(Token("end", "", len(text), len(text)))
    return tokens


def parse_expression(text: str, locate: Locate) -> Expr:
    """Parse one expression; `locate` turns offsets into a `Span`. Raises `ExpressionError`."""
    parser = _Parser(tokenize(text), locate)
    expr = parser.disjunction()
    parser.expect_end()
    return expr


def parse_path(text: str) -> tuple[Step, ...]:
    """Parse a bare path such as `Records[*]` or `a."b.c"`; raises `ExpressionError`."""
    expr = parse_expression(text, lambda at, end: Span("", 1, at + 1, end + 1))
    if not isinstance(expr, PathExpr):
        raise ExpressionError("expected a path", 0, len(text))
    return expr.steps


class _Parser:
    def __init__(self, tokens: list[Token], locate: Locate) -> None:
        self.tokens = tokens
        self.locate = locate
        self.at = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def advance(self) -> Token:
        token = self.token
        self.at += 1
        return token

    def keyword(self, *words: str) -> bool:
        """Take the words if they come next, in any case."""
        ahead = self.tokens[self.at : self.at + len(words)]
        found = [t.text.lower() if t.kind == "word" else None for t in ahead] == list(words)
        if found:
            self.at += len(words)
        return found

    def sign(self, *signs: str) -> str | None:
        if self.token.kind == "sign" and self.token.text in signs:
            return self.advance().text
        return None

    def fail(self, expected: str) -> ExpressionError:
        token = self.token
        got = f"`{token.text}`" if token.kind != "end" else "the end"
        return ExpressionError(f"expected {expected}, got {got}", token.at, max(token.end, token.at + 1))

    def need(self, sign: str) -> None:
        if not self.sign(sign):
            raise self.fail(f"`{sign}`")

    def need_keyword(self, word: str) -> None:
        if not self.keyword(word):
            raise self.fail(f"`{word}`")

    def expect_end(self) -> None:
        if self.token.kind != "end":
            raise self.fail("an operator or the end")

    def span(self, start: int) -> Span:
        return self.locate(start, self.tokens[self.at - 1].end)

    def apply(self, op: str, start: int, *args: Expr) -> ApplyExpr:
        return ApplyExpr(op, args, self.span(start))

    def disjunction(self) -> Expr:
        start, left = self.token.at, self.conjunction()
        while self.keyword("or"):
            left = self.apply("or_", start, left, self.conjunction())
        return left

    def conjunction(self) -> Expr:
        start, left = self.token.at, self.negation()
        while self.keyword("and"):
            left = self.apply("and_", start, left, self.negation())
        return left

    def negation(self) -> Expr:
        start = self.token.at
        return self.apply("not_", start, self.negation()) if self.keyword("not") else self.comparison()

    def comparison(self) -> Expr:
        start, left = self.token.at, self.arithmetic(0)
        while True:
            if found := self.sign(*_COMPARE):
                left = self.apply(_COMPARE[found], start, left, self.arithmetic(0))
            elif self.keyword("is", "not", "null"):
                left = self.apply("is_not_null", start, left)
            elif self.keyword("is", "null"):
                left = self.apply("is_null", start, left)
            else:
                negated = self.keyword("not")
                matched = self.membership(left, start)
                if matched is None:
                    if negated:
                        raise self.fail("`in`, `like` or `between`")
                    return left
                left = self.apply("not_", start, matched) if negated else matched

    def membership(self, left: Expr, start: int) -> Expr | None:
        if self.keyword("in"):
            self.need("(")
            return self.apply("in_", start, left, *self.arguments())
        if self.keyword("like"):
            return self.apply("like", start, left, self.arithmetic(0))
        if self.keyword("between"):
            low = self.arithmetic(0)
            self.need_keyword("and")
            high = self.arithmetic(0)
            return self.apply("and_", start, self.apply("ge", start, left, low), self.apply("le", start, left, high))
        return None

    def arithmetic(self, level: int) -> Expr:
        if level == len(_LEVELS):
            return self.unary()
        start, left = self.token.at, self.arithmetic(level + 1)
        while found := self.sign(*_LEVELS[level]):
            left = self.apply(_LEVELS[level][found], start, left, self.arithmetic(level + 1))
        return left

    def unary(self) -> Expr:
        start = self.token.at
        if not self.sign("-"):
            return self.primary()
        inner = self.unary()
        if isinstance(inner, LiteralExpr) and type(inner.value) in {int, float}:
            return LiteralExpr(-inner.value, self.span(start))  # type: ignore[operator]
        return self.apply("neg", start, inner)

    def primary(self) -> Expr:
        token = self.token
        if self.sign("("):
            inner = self.disjunction()
            self.need(")")
            return self.follow(inner, token.at)
        if token.kind == "text":
            self.advance()
            return LiteralExpr(token.text[1:-1].replace("''", "'"), self.span(token.at))
        if token.kind == "number":
            self.advance()
            number = int(token.text) if token.text.isdigit() else float(token.text)
            return LiteralExpr(number, self.span(token.at))
        if token.kind == "word":
            return self.worded(token)
        if token.kind == "quoted":
            return self.path()
        raise self.fail("a value")

    def worded(self, token: Token) -> Expr:
        word = token.text.lower()
        if word in {"true", "false", "null"}:
            self.advance()
            return LiteralExpr({"true": True, "false": False, "null": None}[word], self.span(token.at))
        if word == "case":
            return self.case()
        if word in KEYWORDS:
            raise self.fail("a value")
        if self.tokens[self.at + 1].text == "(":
            return self.call(token)
        return self.path()

    def call(self, token: Token) -> Expr:
        self.at += 2
        name_span = self.locate(token.at, token.end)
        args = () if self.sign(")") else self.arguments()
        return self.follow(ApplyExpr(token.text, args, name_span), token.at)

    def arguments(self) -> tuple[Expr, ...]:
        args = [self.disjunction()]
        while self.sign(","):
            args.append(self.disjunction())
        self.need(")")
        return tuple(args)

    def follow(self, inner: Expr, start: int) -> Expr:
        steps = self.steps()
        return FollowExpr(inner, steps, self.span(start)) if steps else inner

    def path(self) -> Expr:
        start = self.token.at
        head = Step(name=self.key())
        return PathExpr((head, *self.steps()), self.span(start))

    def key(self) -> str:
        token = self.token
        if token.kind == "word":
            return self.advance().text
        if token.kind == "quoted":
            return self.advance().text[1:-1].replace('""', '"')
        raise self.fail("a name")

    def steps(self) -> tuple[Step, ...]:
        steps: list[Step] = []
        while True:
            if self.sign("."):
                steps.append(Step(name=self.key()))
            elif self.sign("["):
                steps.append(self.bracket())
            else:
                return tuple(steps)

    def bracket(self) -> Step:
        if self.sign("*"):
            step = Step(star=True)
        elif self.token.kind == "number" and self.token.text.isdigit():
            step = Step(index=int(self.advance().text))
        else:
            raise self.fail("`*` or a number")
        self.need("]")
        return step

    def case(self) -> Expr:
        start = self.advance().at
        subject = None if self.token.text.lower() == "when" else self.disjunction()
        arms: list[tuple[Expr, Expr]] = []
        while self.keyword("when"):
            condition = self.disjunction()
            self.need_keyword("then")
            arms.append((condition, self.disjunction()))
        if not arms:
            raise self.fail("`when`")
        otherwise = self.disjunction() if self.keyword("else") else None
        self.need_keyword("end")
        return CaseExpr(subject, tuple(arms), otherwise, self.span(start))
