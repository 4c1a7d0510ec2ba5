"""The prompts: Jinja templates in the folder templates/, each replaceable by the user's own of that name."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lookalike.errors import OptionError, first_line

if TYPE_CHECKING:
    from jinja2 import Environment

BUILT_IN = Path(__file__).with_name("templates")
VARIABLES = {  # template -> what it may use
    "system.j2": ("task", "fields"),
    "names.j2": ("records",),
    "attributes.j2": ("task", "names", "record"),
    "grid.j2": ("m", "names", "given"),
    "records.j2": ("n", "given", "attributes", "demonstrations", "part", "plan"),
}


def show(folder: str | Path | None = None) -> dict[str, str]:
    """Template name -> its source, with those of a folder in place of the built-in ones of the same name.

    Raises OptionError for a folder that does not exist, or holds a template of another name or none.
    """
    sources = {name: (BUILT_IN / name).read_text(encoding="utf-8") for name in VARIABLES}
    if folder is None:
        return sources
    found = sorted(Path(folder).glob("*.j2"))
    known = ", ".join(VARIABLES)
    if not found:
        raise OptionError(f"the folder of templates '{folder}' holds none: put one of {known} there.")
    for path in found:
        if path.name not in VARIABLES:
            raise OptionError(f"{path} is not one of the templates: the names are {known}.")
        try:
            sources[path.name] = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise OptionError(f"{path} cannot be read: {first_line(error)}.") from None
    return sources


class Templates:
    """Templates that were read and checked.

    version: 12 hex digits that change with any of them, so that a row tells by which prompts it was made.
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        """Raises OptionError as `show`, and with file and line for a template that is broken or uses a
        variable that it is not given.
        """
        from jinja2 import DictLoader, StrictUndefined
        from jinja2.sandbox import SandboxedEnvironment

        self.sources = show(folder)
        self.folder = folder
        text = json.dumps(self.sources, sort_keys=True)
        self.version = hashlib.sha256(text.encode()).hexdigest()[:12]
        self._jinja: Environment = SandboxedEnvironment(
            loader=DictLoader(self.sources),
            undefined=StrictUndefined,
            autoescape=False,  # prompts are no HTML
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._jinja.filters["json"] = lambda value: json.dumps(value, ensure_ascii=False)
        for name in VARIABLES:
            self._check(name)

    def render(self, name: str, **values: Any) -> str:
        """The prompt that a template makes of its variables (`VARIABLES`); OptionError with its line where
        it fails.
        """
        try:
            return self._jinja.get_template(name).render(values).strip()
        except Exception as error:  # a template may call anything that it was given
            raise self._error(name, _line(error, name), first_line(error)) from None

    def _check(self, name: str) -> None:
        from jinja2 import TemplateError, TemplateSyntaxError, nodes
        from jinja2.meta import find_undeclared_variables

        try:
            tree = self._jinja.parse(self.sources[name], name, name)
            self._jinja.get_template(name)
            unknown = find_undeclared_variables(tree) - set(VARIABLES[name])
        except TemplateError as error:
            line = error.lineno if isinstance(error, TemplateSyntaxError) else 1
            raise self._error(name, line, first_line(error)) from None
        if unknown:
            places = [(one.lineno, one.name) for one in tree.find_all(nodes.Name) if one.name in unknown]
            line, variable = min(places)
            known = ", ".join(VARIABLES[name])
            raise self._error(name, line, f"there is no '{variable}', the variables are {known}")

    def _error(self, name: str, line: int, reason: str) -> OptionError:
        path = Path(self.folder or BUILT_IN, name)
        return OptionError(f"the template {path}, line {line}, cannot be used: {reason.rstrip('.')}.")


def _line(error: BaseException, name: str) -> int:
    """The line of the template in which rendering failed: Jinja writes it into the traceback."""
    line, step = 1, error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename in (name, "<template>"):
            line = step.tb_lineno
        step = step.tb_next
    return line
