//! Where a tensor's elements live.

use std::fmt;
use std::str::FromStr;

use crate::{Error, Result};

/// A device: `cpu` holds data, `meta` holds shapes and dtypes only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Device {
    /// Main memory.
    #[default]
    Cpu,
    /// No memory at all: every operator's shape and dtype rules run, its kernel does not.
    Meta,
}

impl Device {
    /// The name PyTorch gives to this kind of device.
    pub fn name(self) -> &'static str {
        match self {
            Device::Cpu => "cpu",
            Device::Meta => "meta",
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Device {
    type Err = Error;

    /// Reads `cpu`, `cpu:0` or `meta`; a device of another kind is an error that says what there is.
    fn from_str(text: &str) -> Result<Device> {
        let (kind, index) = match text.split_once(':') {
            Some((kind, index)) => (kind, Some(index)),
            None => (text, None),
        };
        if let Some(index) = index
            && index.parse::<u32>().is_err()
        {
            return Err(Error::runtime(format!("Invalid device string: '{text}'")));
        }
        match kind {
            "cpu" => Ok(Device::Cpu),
            "meta" => Ok(Device::Meta),
            "cuda" => Err(Error::runtime(
                "Flambeau was built without CUDA: device 'cuda' is not available, use 'cpu' (cuda.is_available() is False)",
            )),
            "mps" | "xpu" | "hip" | "xla" | "mkldnn" | "opengl" | "opencl" | "ideep" | "fpga" | "maia" | "lazy"
            | "vulkan" | "mtia" | "hpu" | "ipu" | "ve" | "privateuseone" => {
                Err(Error::runtime(format!("device '{kind}' is not available in Flambeau, use 'cpu'")))
            }
            _ => Err(Error::runtime(format!(
                "Expected one of cpu, cuda, ipu, xpu, mkldnn, opengl, opencl, ideep, hip, ve, fpga, maia, xla, lazy, vulkan, \
                 mps, meta, hpu, mtia, privateuseone device type at start of device string: {text}"
            ))),
        }
    }
}
