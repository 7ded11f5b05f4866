//! The types an operator's parameter can have, and what each becomes.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{GenericArgument, PathArguments, Type};

/// A parameter's type: the word in the block, with `Option<..>` taken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    Tensor,
    Operand,
    Tensors,
    OptTensors,
    Scalar,
    Int,
    Float,
    Bool,
    Dims,
    Floats,
    DType,
    Device,
    Str,
    Format,
    Generator,
}

#[derive(Clone, Copy, Debug)]
pub struct ParamType {
    pub base: Base,
    pub optional: bool,
}

impl ParamType {
    pub fn parse(ty: &Type) -> syn::Result<ParamType> {
        let unknown = || {
            syn::Error::new_spanned(
                ty,
                "unknown parameter type: use Tensor, Operand (a tensor or a number), Tensors, OptTensors, Scalar, i64, f64, bool, \
                 Dims, Floats, DType, Device, Str, Format, Generator, or Option of one",
            )
        };
        let Type::Path(path) = ty else { return Err(unknown()) };
        let last = path.path.segments.last().ok_or_else(unknown)?;
        if last.ident == "Option" {
            let PathArguments::AngleBracketed(args) = &last.arguments else { return Err(unknown()) };
            let Some(GenericArgument::Type(inner)) = args.args.first() else { return Err(unknown()) };
            return Ok(ParamType { optional: true, ..ParamType::parse(inner)? });
        }
        let base = match last.ident.to_string().as_str() {
            "Tensor" => Base::Tensor,
            "Operand" => Base::Operand,
            "Tensors" => Base::Tensors,
            "OptTensors" => Base::OptTensors,
            "Scalar" => Base::Scalar,
            "i64" => Base::Int,
            "f64" => Base::Float,
            "bool" => Base::Bool,
            "Dims" => Base::Dims,
            "Floats" => Base::Floats,
            "DType" => Base::DType,
            "Device" => Base::Device,
            "Str" => Base::Str,
            "Format" => Base::Format,
            "Generator" => Base::Generator,
            _ => return Err(unknown()),
        };
        Ok(ParamType { base, optional: false })
    }

    /// True for what a gradient can flow into.
    pub fn holds_tensors(self) -> bool {
        matches!(self.base, Base::Tensor | Base::Operand | Base::Tensors | Base::OptTensors)
    }

    /// True for what a map may name behind its `;`.
    pub fn is_number(self) -> bool {
        matches!(self.base, Base::Scalar | Base::Int | Base::Float | Base::Bool)
    }

    /// The variant of `ops::Kind`.
    pub fn kind(self) -> TokenStream {
        match self.base {
            Base::Tensor => quote!(Tensor),
            Base::Operand => quote!(Operand),
            Base::Tensors => quote!(Tensors),
            Base::OptTensors => quote!(OptTensors),
            Base::Scalar => quote!(Scalar),
            Base::Int => quote!(Int),
            Base::Float => quote!(Float),
            Base::Bool => quote!(Bool),
            Base::Dims => quote!(Dims),
            Base::Floats => quote!(Floats),
            Base::DType => quote!(DType),
            Base::Device => quote!(Device),
            Base::Str => quote!(Str),
            Base::Format => quote!(Format),
            Base::Generator => quote!(Generator),
        }
    }

    /// The type as bodies see it, borrowed from the arguments.
    pub fn borrowed(self) -> TokenStream {
        let inner = match self.base {
            Base::Tensor => quote!(&crate::Tensor),
            Base::Operand => quote!(crate::ops::OperandRef<'_>),
            Base::Tensors => quote!(&[crate::Tensor]),
            Base::OptTensors => quote!(&[Option<crate::Tensor>]),
            Base::Scalar => quote!(crate::Scalar),
            Base::Int => quote!(i64),
            Base::Float => quote!(f64),
            Base::Bool => quote!(bool),
            Base::Dims => quote!(&[i64]),
            Base::Floats => quote!(&[f64]),
            Base::DType => quote!(crate::DType),
            Base::Device => quote!(crate::Device),
            Base::Str => quote!(&str),
            Base::Format => quote!(crate::MemoryFormat),
            Base::Generator => quote!(&crate::Generator),
        };
        if self.optional { quote!(Option<#inner>) } else { inner }
    }

    /// The type in the signature of the Rust method.
    pub fn public(self) -> TokenStream {
        match (self.base, self.optional) {
            (Base::Operand, false) => quote!(impl Into<crate::ops::Operand>),
            (Base::Scalar, false) => quote!(impl Into<crate::Scalar>),
            (Base::Operand, true) => quote!(Option<crate::ops::Operand>),
            _ => self.borrowed(),
        }
    }

    /// The type in the signature of the method on values in gradient formulas.
    pub fn formula(self) -> TokenStream {
        match (self.base, self.optional) {
            (Base::Tensor | Base::Operand, false) => quote!(impl crate::ops::Term),
            (Base::Tensor | Base::Operand, true) => quote!(Option<crate::ops::Val>),
            (Base::Tensors, _) => quote!(&[crate::ops::Val]),
            _ => self.public(),
        }
    }
}
