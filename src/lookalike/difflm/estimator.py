"""A model as an estimator: how it is shown, and what scikit-learn asks of one that is not its own."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from lookalike import markup
from lookalike.difflm.fitted import Fitted
from lookalike.difflm.training.course import shortfall
from lookalike.progress import duration


def called(model: type, arguments: Mapping[str, Any]) -> str:
    """The call that makes it: the arguments that are not at their defaults."""
    defaults = inspect.signature(model).parameters
    own = [f"{name}={value!r}" for name, value in arguments.items() if value != defaults[name].default]
    return f"{model.__name__}({', '.join(own)})"


def described(call: str, fitted: Fitted | None) -> str:
    """HTML: the call, and what was learned in how much time."""
    if fitted is None:
        return markup.shown(call, (), (), ["it has learned nothing yet: fit(table)"])
    schema, notes = fitted.schema, []
    bounds = [one for one in fitted.history if "bound" in one]
    seconds = fitted.history[-1].get("seconds") if fitted.history else None
    if seconds is not None:
        notes.append(f"learned {schema.rows:,} rows of {len(schema.columns)} columns in {duration(seconds)}")
    if bounds:
        best = min(bounds, key=lambda one: one["bound"])
        notes.append(f"{best['bound']:.2f} nats per held-out row, {best['rate']:.2f} of them in the latent")
    if (cut := shortfall(fitted.history)) is not None:
        notes.append(cut)
    return markup.shown(call, (), (), notes) + schema._repr_html_()


def tags() -> Any:
    """Those of a model that is learned without a target, of tables with texts and missing cells."""
    from sklearn.utils import InputTags, Tags, TargetTags

    inputs = InputTags(two_d_array=True, string=True, categorical=True, allow_nan=True)
    return Tags(estimator_type=None, target_tags=TargetTags(required=False), input_tags=inputs)
