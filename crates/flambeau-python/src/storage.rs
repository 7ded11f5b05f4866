//! `torch.UntypedStorage`, as far as users look at it.

use flambeau_tensor::Storage;
use pyo3::prelude::*;

/// The memory under a tensor.
#[pyclass(name = "UntypedStorage", module = "torch", frozen)]
pub struct PyStorage(pub Storage);

#[pymethods]
impl PyStorage {
    fn data_ptr(&self) -> usize {
        self.0.ptr() as usize
    }
    fn nbytes(&self) -> usize {
        self.0.nbytes()
    }
    fn size(&self) -> usize {
        self.0.nbytes()
    }
    fn __len__(&self) -> usize {
        self.0.nbytes()
    }
    #[getter]
    fn _cdata(&self) -> usize {
        self.0.id()
    }
}
