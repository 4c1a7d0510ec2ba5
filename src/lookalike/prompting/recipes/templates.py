"""The templates of a recipe: Jinja, of which the names that they use give the order of the columns."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from lookalike.errors import OptionError, first_line
from lookalike.prompting.growth.topics import pruned_topics

if TYPE_CHECKING:
    from jinja2 import Environment

NO_CHANCE = ("random",)  # filters by which the same row would be asked for differently the next time
KEYWORDS = (
    *("and", "else", "if", "in", "is", "not", "or", "true", "false", "none", "True", "False", "None"),
    *("self", "loop", "caller", "varargs", "kwargs", "super"),
)


class Template:
    """A text with names in it, or an expression of them.

    names: of the columns that it uses. place: line of the template -> where it stands, for a sentence.
    Raises OptionError for one that is broken.
    """

    def __init__(self, source: str, place: Callable[[int], str], expression: bool = False) -> None:
        from jinja2 import TemplateError, TemplateSyntaxError

        self.source, self._place, self.expression = source, place, expression
        text = f"{{{{ {source} }}}}" if expression else source
        try:
            self.lines = _names(text)
            jinja = _environment()
            if expression:
                self._value: Any = jinja.compile_expression(source, undefined_to_none=False)
            else:
                self._value = jinja.from_string(source)
        except TemplateError as error:
            line = error.lineno if isinstance(error, TemplateSyntaxError) else 1
            raise OptionError(f"{place(line)}: the template is broken: {first_line(error)}.") from None
        self.names = frozenset(self.lines)

    def place(self, name: str) -> str:
        """Where a name stands for the first time."""
        return self._place(self.lines[name])

    def __call__(self, values: Mapping[str, Any]) -> Any:
        """The text, or the value of an expression. Raises OptionError with the line where that fails."""
        try:
            if not self.expression:
                return self._value.render(values).strip()
            found = self._value(**values)
            if type(found).__name__ == "StrictUndefined":
                str(found)  # raises, and says which name it is
            return found
        except Exception as error:  # a template may call anything that it was given
            reason = first_line(error)
            raise OptionError(f"{self._place(self._line(error))}: the template fails: {reason}.") from None

    def _line(self, error: BaseException) -> int:
        """The line of the template in which it failed. Jinja writes it into the traceback of a text; that of
        an expression has the line of the code which Jinja made of it.
        """
        line, step = 1, error.__traceback__
        while step is not None:
            if step.tb_frame.f_code.co_filename in ("<template>", "<unknown>"):
                line = step.tb_lineno
            step = step.tb_next
        return self._value._template.get_corresponding_lineno(line) if self.expression else line


def is_of_jinja(name: str) -> bool:
    """Whether a name means something else in a template than a column would."""
    return name in KEYWORDS or name in _environment().globals


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    jinja = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        autoescape=False,  # prompts are no HTML
        trim_blocks=True,
        lstrip_blocks=True,
    )
    jinja.filters["json"] = lambda value: json.dumps(value, ensure_ascii=False)
    jinja.filters["pruned"] = pruned_topics  # a list without what repeats an earlier entry
    for name in NO_CHANCE:
        del jinja.filters[name]
    jinja.globals.pop("lipsum")
    return jinja


def _names(text: str) -> dict[str, int]:
    """The names that a template does not set itself -> the line of the first use."""
    from jinja2 import nodes
    from jinja2.meta import find_undeclared_variables

    jinja = _environment()
    tree = jinja.parse(text)
    unknown = find_undeclared_variables(tree) - set(jinja.globals)
    found: dict[str, int] = {}
    for node in tree.find_all(nodes.Name):
        if node.name in unknown:
            found[node.name] = min(node.lineno, found.get(node.name, node.lineno))
    return dict(sorted(found.items(), key=lambda one: one[1]))
