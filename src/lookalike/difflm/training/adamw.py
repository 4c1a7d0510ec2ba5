"""torch's AdamW without torch's compiler, for every process that learns a table.

An optimizer of torch loads the compiler at its first step, for more than a second, to tell it to stay away.
Nothing is compiled here.
"""

from inspect import unwrap

import torch
from torch.optim import Optimizer


class Uncompiled(Optimizer):
    """An optimizer whose methods are those that torch wraps."""

    add_param_group = unwrap(Optimizer.add_param_group)
    load_state_dict = unwrap(Optimizer.load_state_dict)
    state_dict = unwrap(Optimizer.state_dict)
    zero_grad = unwrap(Optimizer.zero_grad)


class AdamW(Uncompiled, torch.optim.AdamW):
    """The same steps as torch's, to the bit."""

    step = torch.no_grad()(unwrap(torch.optim.AdamW.step))
