//! In which order of dimensions a dense tensor is laid out.

/// `torch.memory_format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MemoryFormat {
    /// Row-major.
    Contiguous,
    /// (batch, height, width, channels) order behind a (batch, channels, height, width) shape.
    ChannelsLast,
    /// As the input is laid out, where it is dense; else row-major.
    Preserve,
}

impl MemoryFormat {
    /// PyTorch's name.
    pub fn name(self) -> &'static str {
        match self {
            MemoryFormat::Contiguous => "contiguous_format",
            MemoryFormat::ChannelsLast => "channels_last",
            MemoryFormat::Preserve => "preserve_format",
        }
    }
}
