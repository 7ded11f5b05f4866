//! How a tensor prints: as PyTorch prints it.

use std::fmt;

use crate::print::{Grad, Source, Suffix, format_tensor};
use crate::{DType, Scalar, Tensor};

impl Source for Tensor {
    fn dtype(&self) -> DType {
        Tensor::dtype(self)
    }

    fn sizes(&self) -> &[i64] {
        self.size()
    }

    fn get(&self, index: &[i64]) -> Scalar {
        self.at(index)
    }
}

impl Tensor {
    /// The printed form, under a class name of the caller's choice.
    pub fn format_as(&self, class: crate::print::Class<'_>) -> String {
        let node = self.grad_fn().map(|(n, _)| n.name());
        let grad = match &node {
            Some(name) => Grad::Node(name),
            None if self.requires_grad() => Grad::Required,
            None => Grad::None,
        };
        let suffix =
            Suffix { class, device: self.device(), default_dtype: crate::default_dtype(), grad, tangent: None };
        format_tensor(self, &suffix)
    }
}

impl fmt::Display for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.format_as(crate::print::Class::Tensor))
    }
}

impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
