//! Patches of images as columns, and back.

use super::conv::check_range;
use super::expand_sizes;
use crate::ops::op;
use crate::{DType, Dims, Error, Options, Result, Tensor};

/// How a window moves over images.
#[derive(Clone, Copy)]
struct Patches {
    kernel: [i64; 2],
    dilation: [i64; 2],
    padding: [i64; 2],
    stride: [i64; 2],
}

impl Patches {
    fn new(kernel: &[i64], dilation: &[i64], padding: &[i64], stride: &[i64]) -> Result<Patches> {
        check_range(&[kernel, dilation, padding, stride])?;
        let pair = |list: &[i64], what: &str, positive: bool| {
            let pair: [i64; 2] = expand_sizes(list).ok_or_else(|| {
                Error::runtime(format!("It is expected {what} equals to 2, but got size {}", list.len()))
            })?;
            if pair.iter().any(|&v| if positive { v <= 0 } else { v < 0 }) {
                let should = if positive { "greater than zero" } else { "non-negative" };
                let name = what.trim_end_matches("_size");
                return Err(Error::runtime(format!(
                    "{name}{} should be {should}, but got {name}_height: {} {name}_width: {}",
                    if name == "kernel" { " size" } else { "" },
                    pair[0],
                    pair[1]
                )));
            }
            Ok(pair)
        };
        Ok(Patches {
            kernel: pair(kernel, "kernel_size", true)?,
            dilation: pair(dilation, "dilation", true)?,
            padding: pair(padding, "padding", false)?,
            stride: pair(stride, "stride", true)?,
        })
    }

    /// How many patches there are in each dimension of an image.
    fn count(&self, image: [i64; 2]) -> [i64; 2] {
        [0, 1].map(|d| {
            (image[d] + 2 * self.padding[d] - self.dilation[d] * (self.kernel[d] - 1) - 1).div_euclid(self.stride[d])
                + 1
        })
    }

    /// For each element of a patch and each patch, its place in the padded image.
    fn places(&self, image: [i64; 2]) -> Result<Tensor> {
        let (count, width) = (self.count(image), image[1] + 2 * self.padding[1]);
        let along = |d: usize| -> Vec<i64> {
            (0..self.kernel[d])
                .flat_map(|k| (0..count[d]).map(move |o| o * self.stride[d] + k * self.dilation[d]))
                .collect()
        };
        let (rows, columns) = (Tensor::of(&along(0), &[self.kernel[0], 1, count[0], 1])?, along(1));
        let columns = Tensor::of(&columns, &[1, self.kernel[1], 1, count[1]])?;
        rows.mul(width)?.add(&columns)?.reshape(&[-1])
    }
}

fn images(x: &Tensor, p: &Patches) -> Result<[i64; 4]> {
    let sizes = x.size();
    if sizes.len() < 3 {
        crate::normalize_dim(2, sizes.len())?;
    }
    let valid = match sizes {
        [c, h, w] => *c != 0 && *h != 0 && *w != 0,
        [_, c, h, w] => *c != 0 && *h != 0 && *w != 0,
        _ => false,
    };
    if !valid {
        return Err(Error::runtime(format!(
            "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, but got: {sizes:?}"
        )));
    }
    let d = sizes.len();
    let (n, image) = (if d == 4 { sizes[0] } else { 1 }, [sizes[d - 2], sizes[d - 1]]);
    let count = p.count(image);
    if count.iter().any(|&c| c < 1) {
        return Err(Error::runtime(format!(
            "Given input with spatial size ({}, {}), kernel_size=({}, {}), dilation=({}, {}), padding=({}, {}), calculated shape of the array of sliding blocks as ({}, {}), but its components must be at least one.",
            image[0],
            image[1],
            p.kernel[0],
            p.kernel[1],
            p.dilation[0],
            p.dilation[1],
            p.padding[0],
            p.padding[1],
            count[0],
            count[1]
        )));
    }
    Ok([n, sizes[d - 3], image[0], image[1]])
}

fn columns_of(x: &Tensor, p: &Patches) -> Result<Dims> {
    let [n, c, h, w] = images(x, p)?;
    let count = p.count([h, w]);
    let one = [c * p.kernel[0] * p.kernel[1], count[0] * count[1]];
    Ok(if x.dim() == 4 { Dims::from_slice(&[n, one[0], one[1]]) } else { Dims::from_slice(&one) })
}

op! {
    /// The patches that a window moves over, each a column.
    ///
    /// Shape: `N C H W -> N C*kh*kw L`. Dtype: unchanged.
    fn im2col(input: Tensor, kernel_size: Dims, dilation: Dims, padding: Dims, stride: Dims) -> y;
    variants [private, rust];
    node "Im2ColBackward0";
    dtype column_dtype(input, "im2col_out_cpu");
    shape columns_of(input, &Patches::new(kernel_size, dilation, padding, stride)?);
    compute {
        let p = Patches::new(kernel_size, dilation, padding, stride)?;
        column_dtype(input, "im2col_out_cpu")?;
        let (sizes, [n, c, h, w]) = (columns_of(input, &p)?, images(input, &p)?);
        let [top, left] = p.padding;
        let padded = input.constant_pad_nd(&[left, left, top, top])?.reshape(&[n, c, (h + 2 * top) * (w + 2 * left)])?;
        padded.index_select(2, &p.places([h, w])?)?.reshape(&sizes)
    };
    vjp { input => |g, input.shape, kernel_size, dilation, padding, stride| g.col2im(&input.shape[input.shape.len() - 2..], kernel_size, dilation, padding, stride) };
    samples [
        (real([1, 2, 3, 4]), [2, 2], [1, 1], [0, 0], [1, 1]),
        (real([2, 5, 4]), [2, 3], [2, 1], [1, 1], [2, 1]),
    ];
}

fn column_dtype(x: &Tensor, name: &str) -> Result<DType> {
    let integer = matches!(x.dtype(), DType::U8 | DType::I8 | DType::I16 | DType::I32 | DType::I64);
    if integer {
        return Err(Error::not_implemented(format!("\"{name}\" not implemented for '{}'", x.dtype().title())));
    }
    Ok(x.dtype())
}

/// The sizes of the images that columns are patches of, with PyTorch's checks.
fn folded(x: &Tensor, image: &[i64], p: &Patches) -> Result<Dims> {
    let [h, w]: [i64; 2] = image
        .try_into()
        .map_err(|_| Error::runtime(format!("It is expected output_size equals to 2, but got size {}", image.len())))?;
    if h <= 0 || w <= 0 {
        return Err(Error::runtime(format!(
            "Expected output spatial size to be positive, but got: output_size=({h}, {w})."
        )));
    }
    check_range(&[image])?;
    let d = x.dim();
    if !(d == 2 || d == 3) || x.size()[d - 2..].contains(&0) {
        return Err(Error::runtime(format!(
            "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions for input, but got: {:?}",
            x.size()
        )));
    }
    let (rows, length, window) = (x.size()[d - 2], x.size()[d - 1], p.kernel[0] * p.kernel[1]);
    if rows % window != 0 {
        return Err(Error::runtime(format!(
            "Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got input.size(1)={rows} and kernel_size=({}, {}).",
            p.kernel[0], p.kernel[1]
        )));
    }
    let count = p.count([h, w]);
    let given = format!(
        "Given output_size=({h}, {w}), kernel_size=({}, {}), dilation=({}, {}), padding=({}, {}), stride=({}, {}), ",
        p.kernel[0], p.kernel[1], p.dilation[0], p.dilation[1], p.padding[0], p.padding[1], p.stride[0], p.stride[1]
    );
    if count.iter().any(|&c| c < 1) {
        return Err(Error::runtime(format!(
            "{given}calculated shape of the array of sliding blocks as ({}, {}), which is too small (non-positive)",
            count[0], count[1]
        )));
    }
    if length != count[0] * count[1] {
        return Err(Error::runtime(format!(
            "{given}expected size of input's dimension 2 to match the calculated number of sliding blocks {} * {} = {}, but got input.size(2)={length}.",
            count[0],
            count[1],
            count[0] * count[1]
        )));
    }
    let mut sizes: Dims = x.size()[..d - 2].into();
    sizes.extend([rows / window, h, w]);
    Ok(sizes)
}

op! {
    /// Images as the sums of their patches, each a column.
    ///
    /// Shape: `N C*kh*kw L -> N C H W`. Dtype: unchanged.
    fn col2im(input: Tensor, output_size: Dims, kernel_size: Dims, dilation: Dims, padding: Dims, stride: Dims) -> y;
    variants [private, rust];
    node "Col2ImBackward0";
    dtype column_dtype(input, "col2im_out_cpu");
    shape folded(input, output_size, &Patches::new(kernel_size, dilation, padding, stride)?);
    compute {
        let p = Patches::new(kernel_size, dilation, padding, stride)?;
        column_dtype(input, "col2im_out_cpu")?;
        let sizes = folded(input, output_size, &p)?;
        let d = sizes.len();
        let (n, c, h, w) = (if d == 4 { sizes[0] } else { 1 }, sizes[d - 3], sizes[d - 2], sizes[d - 1]);
        let ([top, left], places) = (p.padding, p.places([h, w])?);
        let flat = crate::ops::zeros_with(&[n, c, (h + 2 * top) * (w + 2 * left)], Options::like(input))?;
        let whole = flat.index_add(2, &places, &input.reshape(&[n, c, places.numel()])?)?;
        let image = whole.reshape(&[n, c, h + 2 * top, w + 2 * left])?.narrow(2, top, h)?.narrow(3, left, w)?;
        image.reshape(&sizes)?.clone_in(crate::MemoryFormat::Contiguous)
    };
    vjp { input => |g, kernel_size, dilation, padding, stride| g.im2col(kernel_size, dilation, padding, stride) };
    samples [
        (real([1, 8, 6]), [3, 4], [2, 2], [1, 1], [0, 0], [1, 1]),
        (real([6, 3]), [3, 3], [1, 2], [1, 2], [1, 0], [2, 1]),
    ];
}
