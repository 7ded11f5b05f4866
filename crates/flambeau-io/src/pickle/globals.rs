//! The closed list of names that a pickle may mention.

use std::sync::Arc;

use flambeau_types::{DType, Error, Result};

use super::{Allowed, refuse};

/// A name that was on the list.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Global {
    OrderedDict,
    Counter,
    Parameter,
    Tensor,
    Size,
    Device,
    Layout,
    Encode,
    ByteArray,
    Set,
    Complex,
    RebuildTensor,
    RebuildTensorV2,
    RebuildTensorV3,
    RebuildParameter,
    RebuildParameterWithState,
    RebuildFromType,
    RebuildMeta,
    /// A storage class; `None` is the untyped one.
    Storage(Option<DType>),
    Dtype(DType),
    /// Allowed by the caller.
    Allowed(Arc<str>),
}

impl Global {
    /// The full name.
    pub(super) fn name(&self) -> Arc<str> {
        match self {
            Global::OrderedDict => "collections.OrderedDict".into(),
            Global::Counter => "collections.Counter".into(),
            Global::Parameter => "torch.nn.parameter.Parameter".into(),
            Global::Tensor => "torch.Tensor".into(),
            Global::Size => "torch.Size".into(),
            Global::Device => "torch.device".into(),
            Global::Layout => "torch.serialization._get_layout".into(),
            Global::Encode => "_codecs.encode".into(),
            Global::ByteArray => "builtins.bytearray".into(),
            Global::Set => "builtins.set".into(),
            Global::Complex => "builtins.complex".into(),
            Global::RebuildTensor => "torch._utils._rebuild_tensor".into(),
            Global::RebuildTensorV2 => "torch._utils._rebuild_tensor_v2".into(),
            Global::RebuildTensorV3 => "torch._utils._rebuild_tensor_v3".into(),
            Global::RebuildParameter => "torch._utils._rebuild_parameter".into(),
            Global::RebuildParameterWithState => "torch._utils._rebuild_parameter_with_state".into(),
            Global::RebuildFromType => "torch._tensor._rebuild_from_type_v2".into(),
            Global::RebuildMeta => META.into(),
            Global::Storage(None) => "torch.storage.UntypedStorage".into(),
            Global::Storage(Some(dtype)) => format!("torch.{}Storage", dtype.title()).into(),
            Global::Dtype(dtype) => dtype.to_string().into(),
            Global::Allowed(name) => name.clone(),
        }
    }
}

/// Never allowed, not even by the caller.
const BLOCKED: [&str; 4] = ["sys", "os", "posix", "nt"];

/// What a tensor of the meta device is written as.
pub(super) const META: &str = "torch._utils._rebuild_meta_tensor_no_storage";

/// Known to PyTorch, and without a meaning here.
const ABSENT: [&str; 6] = [
    "torch._utils._rebuild_qtensor",
    "torch._utils._rebuild_sparse_tensor",
    "torch._utils._rebuild_wrapper_subclass",
    "torch._utils._rebuild_device_tensor_from_numpy",
    "torch._utils._rebuild_device_tensor_from_cpu_tensor",
    "torch.storage.TypedStorage",
];

const ABSENT_DTYPES: [&str; 16] = [
    "uint16",
    "uint32",
    "uint64",
    "float8_e4m3fn",
    "float8_e4m3fnuz",
    "float8_e5m2",
    "float8_e5m2fnuz",
    "float8_e8m0fnu",
    "float4_e2m1fn_x2",
    "complex32",
    "bcomplex32",
    "qint8",
    "quint8",
    "qint32",
    "quint4x2",
    "quint2x4",
];

/// Looks a name up; one that is not on the list is refused in PyTorch's words.
pub(super) fn find(module: &str, name: &str, allowed: &Allowed) -> Result<Global> {
    let (module, name) = rename(module, name);
    if BLOCKED.contains(&module) {
        return Err(refuse(&format!(
            "Trying to load unsupported GLOBAL {module}.{name} whose module {module} is blocked."
        )));
    }
    let full = format!("{module}.{name}");
    Ok(match full.as_str() {
        "collections.OrderedDict" => Global::OrderedDict,
        "collections.Counter" => Global::Counter,
        "torch.nn.parameter.Parameter" => Global::Parameter,
        "torch.Tensor" => Global::Tensor,
        "torch.Size" => Global::Size,
        "torch.device" => Global::Device,
        "torch.serialization._get_layout" => Global::Layout,
        "_codecs.encode" => Global::Encode,
        "builtins.bytearray" => Global::ByteArray,
        "builtins.set" => Global::Set,
        "builtins.complex" => Global::Complex,
        "torch._utils._rebuild_tensor" => Global::RebuildTensor,
        "torch._utils._rebuild_tensor_v2" => Global::RebuildTensorV2,
        "torch._utils._rebuild_tensor_v3" => Global::RebuildTensorV3,
        "torch._utils._rebuild_parameter" => Global::RebuildParameter,
        "torch._utils._rebuild_parameter_with_state" => Global::RebuildParameterWithState,
        "torch._tensor._rebuild_from_type_v2" => Global::RebuildFromType,
        META => Global::RebuildMeta,
        "torch.storage.UntypedStorage" | "torch.UntypedStorage" => Global::Storage(None),
        other if ABSENT.contains(&other) => {
            return Err(Error::not_implemented(format!("{other}: tensors of this kind are not implemented")));
        }
        other => match torch_name(module, name)? {
            Some(global) => global,
            None if allowed.contains(other) => Global::Allowed(other.into()),
            None => return Err(unsupported(other)),
        },
    })
}

/// Storage classes and dtypes.
fn torch_name(module: &str, name: &str) -> Result<Option<Global>> {
    if !matches!(module, "torch" | "torch.cuda") {
        return Ok(None);
    }
    if let Some(title) = name.strip_suffix("Storage") {
        if let Some(dtype) = DType::ALL.into_iter().find(|d| d.title() == title) {
            return Ok(Some(Global::Storage(Some(dtype))));
        }
        if matches!(title, "QInt8" | "QUInt8" | "QInt32" | "QUInt4x2" | "QUInt2x4") {
            return Err(Error::not_implemented(format!("torch.{name}: quantized tensors are not implemented")));
        }
    }
    if module == "torch" {
        if let Some(dtype) = DType::ALL.into_iter().find(|d| d.name() == name) {
            return Ok(Some(Global::Dtype(dtype)));
        }
        if ABSENT_DTYPES.contains(&name) {
            return Err(Error::not_implemented(format!("dtype torch.{name} is not implemented")));
        }
    }
    Ok(None)
}

/// Protocol 2 writes the names of Python 2.
pub(super) fn rename<'a>(module: &'a str, name: &'a str) -> (&'a str, &'a str) {
    match (module, name) {
        ("__builtin__", "xrange") => ("builtins", "range"),
        ("__builtin__", "reduce") => ("functools", "reduce"),
        ("__builtin__", "intern") => ("sys", "intern"),
        ("__builtin__", "unichr") => ("builtins", "chr"),
        ("__builtin__", "unicode" | "basestring") => ("builtins", "str"),
        ("__builtin__", "long") => ("builtins", "int"),
        ("__builtin__", _) => ("builtins", name),
        ("copy_reg", _) => ("copyreg", name),
        ("exceptions", "StandardError") => ("builtins", "Exception"),
        // https://github.com/pytorch/pytorch/pull/51633
        ("torch.tensor", _) => ("torch._tensor", name),
        _ => (module, name),
    }
}

/// The error for a name that is not on the list, in PyTorch's words.
#[cold]
pub fn unsupported(full: &str) -> Error {
    let shown = match full.strip_prefix("builtins") {
        Some(rest) => rest.strip_prefix('.').unwrap_or(full),
        None => full,
    };
    refuse(&format!(
        "Unsupported global: GLOBAL {shown} was not an allowed global by default. Please use \
         `torch.serialization.add_safe_globals([{shown}])` or the `torch.serialization.safe_globals([{shown}])` context manager \
         to allowlist this global if you trust this class/function."
    ))
}
