//! Optimizer steps: one call for all parameters.

use flambeau_tensor::{Tensor, optim};
use pyo3::prelude::*;

use crate::errors::to_py;
use crate::graph::tensor_list;
use crate::tensor::{PyTensor, unwrap, wrap};

/// A step of stochastic gradient descent; gives the momentum buffers.
#[pyfunction]
#[pyo3(signature = (params, grads, buffers, lr, momentum, dampening, weight_decay, nesterov, maximize))]
pub fn _sgd_step(
    py: Python<'_>,
    params: &Bound<'_, PyAny>,
    grads: &Bound<'_, PyAny>,
    buffers: Option<&Bound<'_, PyAny>>,
    lr: f64,
    momentum: f64,
    dampening: f64,
    weight_decay: f64,
    nesterov: bool,
    maximize: bool,
) -> PyResult<Vec<Option<Py<PyTensor>>>> {
    let (params, grads) = (tensor_list(params)?, tensor_list(grads)?);
    let mut buffers: Vec<Option<Tensor>> = match buffers {
        Some(list) => list.try_iter()?.map(|b| Ok(unwrap(&b?))).collect::<PyResult<_>>()?,
        None => vec![None; params.len()],
    };
    let step =
        || optim::sgd_step(&params, &grads, &mut buffers, lr, momentum, dampening, weight_decay, nesterov, maximize);
    crate::bind::detach(py, step).map_err(to_py)?;
    buffers.into_iter().map(|b| b.map(|b| wrap(py, b)).transpose()).collect()
}

/// A step of Adam or AdamW.
#[pyfunction]
#[pyo3(signature = (params, grads, exp_avgs, exp_avg_sqs, max_exp_avg_sqs, steps, lr, beta1, beta2, eps, weight_decay, amsgrad, maximize, decoupled))]
pub fn _adam_step(
    py: Python<'_>,
    params: &Bound<'_, PyAny>,
    grads: &Bound<'_, PyAny>,
    exp_avgs: &Bound<'_, PyAny>,
    exp_avg_sqs: &Bound<'_, PyAny>,
    max_exp_avg_sqs: &Bound<'_, PyAny>,
    steps: &Bound<'_, PyAny>,
    lr: f64,
    beta1: f64,
    beta2: f64,
    eps: f64,
    weight_decay: f64,
    amsgrad: bool,
    maximize: bool,
    decoupled: bool,
) -> PyResult<()> {
    let (params, grads, m, v) =
        (tensor_list(params)?, tensor_list(grads)?, tensor_list(exp_avgs)?, tensor_list(exp_avg_sqs)?);
    let (highest, steps) = (tensor_list(max_exp_avg_sqs)?, tensor_list(steps)?);
    crate::bind::detach(py, || {
        optim::adam_step(
            &params,
            &grads,
            &m,
            &v,
            &highest,
            &steps,
            lr,
            beta1,
            beta2,
            eps,
            weight_decay,
            amsgrad,
            maximize,
            decoupled,
        )
    })
    .map_err(to_py)
}
