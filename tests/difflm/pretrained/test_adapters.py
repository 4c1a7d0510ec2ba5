"""All adapters of a model are computed together, and say what peft says."""

import copy
import pickle
from collections.abc import Callable

import pytest
import torch
from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from lookalike.difflm.pretrained.adapters import Adapters


def llama() -> LlamaForCausalLM:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=50,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
    )
    return LlamaForCausalLM(config).requires_grad_(False)


def trained(adapters: Adapters) -> dict[str, nn.Parameter]:
    return {name: p for name, p in adapters.model.named_parameters() if p.requires_grad}


def moved(adapters: Adapters) -> None:
    """Adapters begin as nothing: here they say something."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in trained(adapters).values():
            parameter.copy_(0.1 * torch.randn(parameter.shape, generator=generator))


def by_peft(adapters: Adapters) -> nn.Module:
    """The same model, of which peft computes every adapter."""
    other = copy.deepcopy(adapters.model)
    for layer in other.modules():
        layer.__dict__.pop("forward", None)
    other._forward_pre_hooks.clear()
    return other


def test_outputs_and_gradients_are_those_of_peft() -> None:
    adapters = Adapters(llama(), 4)
    moved(adapters)
    other, words = by_peft(adapters), torch.arange(12).view(2, 6)
    losses = [model(input_ids=words, labels=words).loss for model in (adapters.model, other)]
    assert losses[0].item() == pytest.approx(losses[1].item(), abs=1e-6)
    for loss in losses:
        loss.backward()
    theirs = {name: p.grad for name, p in other.named_parameters() if p.requires_grad}
    assert len(theirs) == 2 * 7 * 2  # two matrices of each of the seven layers of two blocks
    for name, parameter in trained(adapters).items():
        assert torch.allclose(parameter.grad, theirs[name], atol=1e-6), name
        assert theirs[name].abs().max() > 0, name


def test_without_gradients_they_are_cast_once_and_follow_every_change() -> None:
    adapters = Adapters(llama(), 4)
    moved(adapters)
    words = torch.arange(12).view(2, 6)
    with torch.no_grad():
        first = adapters.model(input_ids=words).logits
        kept = adapters._cast
        assert torch.equal(adapters.model(input_ids=words).logits, first) and adapters._cast is kept
        next(iter(trained(adapters).values())).mul_(2)
        second = adapters.model(input_ids=words).logits
        assert not torch.equal(second, first)
        assert torch.allclose(second, by_peft(adapters)(input_ids=words).logits, atol=1e-5)


def test_weights_of_16_bits_have_adapters_of_32() -> None:
    adapters = Adapters(llama().to(torch.bfloat16), 4)
    moved(adapters)
    words = torch.arange(12).view(2, 6)
    assert all(p.dtype == torch.float32 for p in trained(adapters).values())
    own, other = (model(input_ids=words).logits.float() for model in (adapters.model, by_peft(adapters)))
    assert own.dtype == torch.float32 and (own - other).abs().max() < 0.02 * other.abs().max()


def test_layers_of_another_kind_are_left_to_peft() -> None:
    torch.manual_seed(0)
    config = GPT2Config(vocab_size=50, n_embd=16, n_layer=2, n_head=2, n_positions=16)
    adapters = Adapters(GPT2LMHeadModel(config).requires_grad_(False), 4)  # whose layers are no nn.Linear
    moved(adapters)
    words = torch.arange(12).view(2, 6)
    loss = adapters.model(input_ids=words, labels=words).loss
    loss.backward()
    assert all(p.grad is not None for p in trained(adapters).values())


@pytest.mark.parametrize("again", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_computes_with_its_own_adapters(again: Callable[[nn.Module], nn.Module]) -> None:
    adapters, words = Adapters(llama(), 4), torch.arange(6)[None]
    moved(adapters)
    adapters.model(input_ids=words, labels=words).loss.backward()  # as after a training
    other = again(adapters.model)
    with torch.no_grad():
        before = other(input_ids=words).logits
        assert torch.allclose(before, adapters.model(input_ids=words).logits)
        for parameter in trained(adapters).values():
            parameter.zero_()
        adapters.model(input_ids=words)
        assert torch.equal(before, other(input_ids=words).logits)
        for name, parameter in other.named_parameters():
            if "lora_B" in name:
                parameter.zero_()
        assert torch.allclose(
            other(input_ids=words).logits, adapters.model(input_ids=words).logits, atol=1e-6
        )
