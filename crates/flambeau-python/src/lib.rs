//! `flambeau._C`: the engine as Python sees it. The rest of the package is Python over this.

// The module's name is Python's.
#![allow(non_snake_case)]

use pyo3::prelude::*;

mod base;
mod bind;
mod create;
mod dtype;
mod errors;
mod generator;
mod graph;
mod index;
mod io;
mod layout;
mod methods;
mod numpy;
mod older;
mod operators;
mod optim;
mod parse;
mod protocol;
mod settings;
mod storage;
mod tensor;

/// The module: classes, constants, and every operator of the table.
// Tensors in objects are guarded by the interpreter's lock.
#[pymodule(gil_used = true)]
fn _C(m: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = m.py();
    // SAFETY: the module needs the interpreter's lock, which every function of it is called with and keeps, but for what runs
    // in `bind::detach`.
    unsafe { flambeau_tensor::lock::operators_run_in_turns() };
    m.add_class::<tensor::PyTensor>()?;
    base::keep_memory_of(&py.get_type::<tensor::PyTensor>());
    m.add_class::<dtype::PyDType>()?;
    m.add_class::<dtype::PyDevice>()?;
    m.add_class::<dtype::PyLayout>()?;
    m.add_class::<dtype::PyMemoryFormat>()?;
    m.add_class::<generator::PyGenerator>()?;
    m.add_class::<storage::PyStorage>()?;
    m.add_class::<graph::PyNode>()?;
    m.add_class::<graph::PyHookHandle>()?;
    m.add_class::<graph::PySavedTensor>()?;
    m.add("LinAlgError", py.get_type::<errors::LinAlgError>())?;
    for d in flambeau_tensor::DType::ALL {
        m.add(d.name(), dtype::dtype_object(py, d))?;
    }
    m.add("strided", dtype::strided(py))?;
    for name in dtype::PyLayout::OTHERS {
        m.add(name, Py::new(py, dtype::PyLayout::named(name))?)?;
    }
    for f in [
        flambeau_tensor::MemoryFormat::Contiguous,
        flambeau_tensor::MemoryFormat::ChannelsLast,
        flambeau_tensor::MemoryFormat::Preserve,
    ] {
        m.add(f.name(), Py::new(py, dtype::PyMemoryFormat(f))?)?;
    }
    m.add("default_generator", generator::default(py)?)?;
    bind::install(m)?;
    macro_rules! functions {
        ($($f:path),* $(,)?) => { $(m.add_function(wrap_pyfunction!($f, m)?)?;)* };
    }
    functions!(
        bind::_operators,
        bind::is_grad_enabled,
        bind::_set_grad_enabled,
        create::tensor,
        create::as_tensor,
        create::from_numpy,
        create::frombuffer,
        create::_legacy_tensor,
        numpy::_to_numpy,
        graph::_backward,
        graph::_grad,
        graph::_custom_node,
        graph::_push_save_hooks,
        graph::_pop_save_hooks,
        graph::_tensor_at,
        graph::_set_checks_nan,
        graph::_current_graph_task_id,
        graph::_will_engine_execute_node,
        optim::_sgd_step,
        optim::_adam_step,
        dtype::_default_device,
        dtype::_set_default_device,
        settings::get_default_dtype,
        settings::set_default_dtype,
        settings::_autocast_dtype,
        settings::_set_autocast,
        settings::_get_cpu_capability,
        settings::get_num_threads,
        settings::set_num_threads,
        settings::promote_types,
        settings::result_type,
        settings::can_cast,
        settings::_set_print_options,
        settings::_empty_cache,
    );
    io::add_to(m)?;
    Ok(())
}
