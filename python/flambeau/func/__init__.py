"""Transformations of functions: ``torch.func``."""

from flambeau.func._jacobians import hessian as hessian, jacfwd as jacfwd, jacrev as jacrev
from flambeau.func._modules import (
    functional_call as functional_call,
    replace_all_batch_norm_modules_ as replace_all_batch_norm_modules_,
    stack_module_state as stack_module_state,
)
from flambeau.func._products import (
    grad as grad,
    grad_and_value as grad_and_value,
    jvp as jvp,
    linearize as linearize,
    vjp as vjp,
)
from flambeau.func._rearrange import rearrange as rearrange
from flambeau.func._vmap import vmap as vmap
