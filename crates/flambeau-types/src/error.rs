//! What goes wrong, and which Python exception it becomes.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// The class of an error, named after the Python exception that it becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// `RuntimeError`: shapes that do not fit, a broken autograd rule, most of what PyTorch refuses.
    Runtime,
    /// `ValueError`: a number out of range.
    Value,
    /// `TypeError`: an argument of the wrong type.
    Type,
    /// `IndexError`: a dimension or an index out of range.
    Index,
    /// `NotImplementedError`: a case that PyTorch has, or that nobody has.
    NotImplemented,
    /// `torch.linalg.LinAlgError`: a singular or otherwise unfit matrix.
    LinAlg,
    /// `OSError`: a file or a connection.
    Io,
    /// An exception raised by Python code that the engine called; [`Error::payload`] holds it.
    Foreign,
}

/// An error with its class and its message. One word in size, so that `Result` stays small; cheap to clone.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    payload: Option<Box<dyn Any + Send + Sync>>,
}

/// The result of everything that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of a class.
    #[cold]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error(Arc::new(Inner { kind, message: message.into(), payload: None }))
    }

    /// A `RuntimeError`.
    #[cold]
    pub fn runtime(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Runtime, message)
    }

    /// A `ValueError`.
    #[cold]
    pub fn value(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Value, message)
    }

    /// A `TypeError`.
    #[cold]
    pub fn type_(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Type, message)
    }

    /// An `IndexError`.
    #[cold]
    pub fn index(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Index, message)
    }

    /// A `NotImplementedError`.
    #[cold]
    pub fn not_implemented(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::NotImplemented, message)
    }

    /// Wraps an exception of another language; it is handed back by [`Error::payload`].
    #[cold]
    pub fn foreign(message: impl Into<String>, payload: Box<dyn Any + Send + Sync>) -> Error {
        Error(Arc::new(Inner { kind: ErrorKind::Foreign, message: message.into(), payload: Some(payload) }))
    }

    /// The class.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The message.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The wrapped exception, if this is [`ErrorKind::Foreign`].
    pub fn payload(&self) -> Option<&(dyn Any + Send + Sync)> {
        self.0.payload.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.0.kind, self.0.message)
    }
}

impl std::error::Error for Error {}

impl From<std::io::Error> for Error {
    fn from(e: std::io::Error) -> Error {
        Error::new(ErrorKind::Io, e.to_string())
    }
}
