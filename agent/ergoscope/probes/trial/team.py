"""Models that several processes train together: how their gradients are averaged, and what a pass leaves behind."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, cast

import torch
from torch import Tensor, nn

from ergoscope.curvature.objective import unwrapped
from ergoscope.shards import is_spread, seat

_SHARDED = "_get_fsdp_state"  # what FSDP's modules of the second version have
_HALVES = (torch.bfloat16, torch.float16)
_STRANGE = "this version of torch shards models in a way that is not known here"


class _Group(Protocol):
    """A process group, as far as it is needed here."""

    def size(self) -> int: ...

    def _get_sequence_number_for_group(self) -> int: ...


class _Mesh(Protocol):
    def size(self) -> int: ...

    def get_group(self, dimension: int, /) -> _Group: ...


class _Part(Protocol):
    """A parameter that FSDP has in parts."""

    sharded_param: Tensor
    is_dtensor: bool


class _Order(Protocol):
    post_forward_order: list[object]


class _Parts(Protocol):
    """Parameters that FSDP puts together at once."""

    fsdp_params: list[_Part]
    is_unsharded: bool
    comm_ctx: _Order
    gradient_divide_factor: float | None
    reduce_grads: bool
    all_reduce_grads: bool
    _post_forward_indices: list[object]
    _all_reduce_hook: object
    _use_post_forward_mesh: bool

    def _to_sharded(self) -> None: ...


class _Policy(Protocol):
    param_dtype: torch.dtype | None


class _State(Protocol):
    """What FSDP keeps of a module."""

    _is_root: bool
    _mp_policy: _Policy

    def _reset_iter_state(self) -> None: ...


class Team:
    """A model of several processes, each of which goes forward and backward on a batch of its own.

    Known are copies, by DistributedDataParallel, and parts, by FSDP's second version (`fully_shard`).
    """

    def __init__(self, model: nn.Module) -> None:
        """Look at a model as the user has it."""
        self._outer = model
        self.inner = unwrapped(model)

    def divisor(self, parameters: Sequence[Tensor]) -> float:
        """By what the sum of the processes' gradients is divided to make the optimizer's.

        Raises:
            ValueError: It is not known, or gradients are made of something else.
        """
        world = seat().world
        spread = [is_spread(p) for p in parameters]
        if any(spread):
            if not all(spread):
                raise ValueError("some of its parameters are spread over processes, and others are not")
            return self._of_parts(parameters, world)
        copier = self._copier()
        if copier is None or cast(_Group, copier.process_group).size() != world:
            raise ValueError(
                f"{world} processes train together, and the watched model is neither one DistributedDataParallel nor "
                "one FSDP of the second version over all of them"
            )
        changed = getattr(copier, "_comm_hooks", None) or getattr(copier, "mixed_precision", None) is not None
        if changed or not copier.require_backward_grad_sync:
            raise ValueError("the job averages gradients in a way of its own")
        return float(world)

    def clock(self, parameters: Sequence[Tensor]) -> int:
        """Collectives so far of those that the job itself makes: at one moment the same number for all processes."""
        copier = self._copier()
        group = _mesh(parameters[0]).get_group(0) if copier is None else copier.process_group
        return cast(_Group, group)._get_sequence_number_for_group()

    @property
    def narrow(self) -> bool:
        """Whether FSDP computes in half precision what is kept in full."""
        return any(state._mp_policy.param_dtype in _HALVES for state in self._states())

    @contextmanager
    def tidied(self) -> Iterator[None]:
        """Go forward without going backward, and leave FSDP as it was: what was in parts is in parts again."""
        states = self._states()
        groups = [group for state in states for group in _groups(state)]
        whole = {id(group) for group in groups if group.is_unsharded}
        orders = [*(group._post_forward_indices for group in groups), *_orders(groups)]
        before = [list(order) for order in orders]
        try:
            yield
        except BaseException:
            for state in states:
                if state._is_root:
                    state._reset_iter_state()
            raise
        finally:
            for group in groups:
                if id(group) not in whole:
                    group._to_sharded()
            for order, content in zip(orders, before, strict=True):
                order[:] = content

    def _copier(self) -> nn.Module | None:
        model: object = self._outer
        while isinstance(model, nn.Module):
            if type(model).__name__ == "DistributedDataParallel":
                return model
            model = getattr(model, "_orig_mod", None)
        return None

    def _states(self) -> list[_State]:
        found = dict[int, _State]()
        for module in self.inner.modules():
            if hasattr(module, _SHARDED):
                state = getattr(module, _SHARDED)()
                found[id(state)] = state
        return list(found.values())

    def _of_parts(self, parameters: Sequence[Tensor], world: int) -> float:
        groups = [group for state in self._states() for group in _groups(state)]
        known = {id(one.sharded_param) for group in groups for one in group.fsdp_params if not one.is_dtensor}
        if not {id(p) for p in parameters} <= known:
            raise ValueError("its parameters are spread over processes otherwise than by FSDP alone")
        if any(_mesh(p).size() != world for p in parameters):
            raise ValueError(f"its parameters are not spread over all of the {world} processes")
        own = any(
            group._all_reduce_hook is not None or not group.reduce_grads or not group.all_reduce_grads
            for group in groups
        )
        if any(group._use_post_forward_mesh for group in groups):
            raise ValueError("FSDP shards its parameters otherwise after a forward pass than before it")
        divisors = {group.gradient_divide_factor for group in groups}
        if own or len(divisors) != 1:
            raise ValueError("the job averages gradients in a way of its own")
        divisor = divisors.pop()
        return float(world if divisor is None else divisor)


def _mesh(parameter: Tensor) -> _Mesh:
    return cast(_Mesh, parameter.device_mesh)  # type: ignore[attr-defined]  # a distributed tensor has it


def _groups(state: _State) -> list[_Parts]:
    groups = getattr(state, "_fsdp_param_groups", None)
    if groups is None:
        raise ValueError(_STRANGE)
    return list(groups)


def _orders(groups: Sequence[_Parts]) -> list[list[object]]:
    """The orders in which modules went forward, one for each model."""
    found = {id(group.comm_ctx.post_forward_order): group.comm_ctx.post_forward_order for group in groups}
    return list(found.values())
