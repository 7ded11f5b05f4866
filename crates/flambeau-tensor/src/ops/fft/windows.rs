//! Transforms of windows of a signal, one after another.

use super::Norm;
use super::transform::{c2c, c2r};
use crate::ops::{Sample, op, samples};
use crate::{Error, Options, Result, Tensor};

/// The arguments in the words of an error message.
struct Asked<'a> {
    name: &'static str,
    input: &'a Tensor,
    n_fft: i64,
    hop: i64,
    win: i64,
    window: Option<&'a Tensor>,
    rest: String,
}

fn flag(name: &str, value: Option<bool>) -> String {
    format!(", {name}={}", value.map_or("None".to_string(), |v| i32::from(v).to_string()))
}

impl Asked<'_> {
    fn refuse<T>(&self, why: String) -> Result<T> {
        let kind = |t: &Tensor| match t.dtype() {
            d if d.is_complex() => format!("CPU{}Type", d.title()),
            d => format!("torch.{}Tensor", d.title()),
        };
        let window = self.window.map_or("None".to_string(), |w| format!("{}{{{:?}}}", kind(w), w.size()));
        Err(Error::runtime(format!(
            "{}({}{:?}, n_fft={}, hop_length={}, win_length={}, window={window}{}) {why}",
            self.name,
            kind(self.input),
            self.input.size(),
            self.n_fft,
            self.hop,
            self.win,
            self.rest
        )))
    }
}

/// The window (or ones) in the middle of `n_fft` elements.
fn centered(window: Option<&Tensor>, win: i64, n_fft: i64, like: Options) -> Result<Option<Tensor>> {
    if win == n_fft {
        return Ok(window.cloned());
    }
    let left = (n_fft - win) / 2;
    let window = match window {
        Some(w) => w.clone(),
        None => crate::ops::ones_with(&[win], like)?,
    };
    window.constant_pad_nd(&[left, n_fft - win - left]).map(Some)
}

op! {
    /// The transforms of windows of a signal, each `hop_length` after the one before: how its frequencies change with time.
    /// With `center` the signal is padded so that window t is centered at `t * hop_length`.
    ///
    /// Shape: `*b n -> *b f t`. Dtype: complex; without `return_complex` real, with a last dimension of 2.
    ///
    /// >>> torch.stft(torch.ones(8), 4, window=torch.ones(4), return_complex=True).shape
    /// torch.Size([3, 9])
    fn stft(input: Tensor, n_fft: i64, hop_length: Option<i64> = None, win_length: Option<i64> = None, window: Option<Tensor> = None, center: bool = true, pad_mode: Str = "reflect", normalized: bool = false, onesided: Option<bool> = None, return_complex: Option<bool> = None, align_to_window: Option<bool> = None) -> y;
    variants [method, function];
    composite {
        let (hop, win) = (hop_length.unwrap_or(n_fft >> 2), win_length.unwrap_or(n_fft));
        let rest = [
            flag("normalized", Some(normalized)), flag("onesided", onesided), flag("return_complex", return_complex),
            flag("align_to_window", align_to_window),
        ].concat();
        let asked = Asked { name: "stft", input, n_fft, hop, win, window, rest };
        let complex = input.dtype().is_complex() || window.is_some_and(|w| w.dtype().is_complex());
        if !return_complex.unwrap_or(complex) && return_complex.is_none() {
            return Err(Error::runtime(
                "stft requires the return_complex parameter be given for real inputs, and will further require that return_complex=True in a future PyTorch release.",
            ));
        }
        if input.dtype().is_integral() {
            return asked.refuse(": expected a tensor of floating point or complex values".into());
        }
        if !(1..=2).contains(&input.dim()) {
            return asked.refuse(": expected a 1D or 2D tensor".into());
        }
        if align_to_window.is_some() && center {
            return Err(Error::runtime("stft align_to_window should only be set when center = false."));
        }
        let mut x = if input.dim() == 1 { input.unsqueeze(0)? } else { input.clone() };
        if center {
            let pad = n_fft / 2;
            x = x.unsqueeze(0)?.pad_with(&[pad, pad], pad_mode, None)?.squeeze_dim(0)?;
        }
        let (batch, len) = (x.size()[0], x.size()[1]);
        if n_fft <= 0 || n_fft > len {
            return asked.refuse(format!(": expected 0 < n_fft < {len}, but got n_fft={win}"));
        }
        if hop <= 0 {
            return asked.refuse(format!(": expected hop_length > 0, but got hop_length={hop}"));
        }
        if win <= 0 || win > n_fft {
            return asked.refuse(format!(": expected 0 < win_length <= n_fft, but got win_length={win}"));
        }
        if let Some(w) = window.filter(|w| w.size() != [win]) {
            return asked.refuse(format!(": expected a 1D window tensor of size equal to win_length={win}, but got window with size {:?}", w.size()));
        }
        let frames = 1 + (len - n_fft) / hop;
        let (s0, s1) = (x.stride()[0], x.stride()[1]);
        x = x.as_strided(&[batch, frames, n_fft], &[s0, hop * s1, s1])?;
        if let Some(w) = centered(window, win, n_fft, Options::like(input))? {
            x = x.mul(w)?;
        }
        let norm = if normalized { Norm::Root } else { Norm::None };
        let y = if x.dtype().is_complex() {
            if onesided == Some(true) {
                return Err(Error::runtime("Cannot have onesided output if window or input is complex"));
            }
            c2c(&x, &[2], norm as i64, true)?
        } else {
            x.fft_r2c(&[2], norm as i64, onesided.unwrap_or(true))?
        };
        let y = y.transpose(1, 2)?;
        let y = if input.dim() == 1 { y.squeeze_dim(0)? } else { y };
        if return_complex.unwrap_or(complex) { Ok(y) } else { y.view_as_real() }
    };
    samples samples::with(&[2, 9], -1.0, 1.0, &[
        &[4.into(), 2.into(), crate::ops::Arg::None, samples::tensor(&[4], 0.5, 1.0).into(), true.into(), "reflect".into(), false.into(), crate::ops::Arg::None, true.into()],
        &[4.into(), 3.into(), 3.into(), crate::ops::Arg::None, false.into(), "reflect".into(), true.into(), false.into(), false.into()],
    ]);
}

op! {
    /// The inverse of `stft`: windows of a signal back in their places, divided by what the windows add up to.
    ///
    /// Shape: `*b f t -> *b n`. Dtype: real, or complex with `return_complex`.
    ///
    /// >>> torch.istft(torch.stft(torch.arange(8.), 4, return_complex=True, window=torch.ones(4)), 4, window=torch.ones(4)).shape
    /// torch.Size([8])
    fn istft(input: Tensor, n_fft: i64, hop_length: Option<i64> = None, win_length: Option<i64> = None, window: Option<Tensor> = None, center: bool = true, normalized: bool = false, onesided: Option<bool> = None, length: Option<i64> = None, return_complex: bool = false) -> y;
    variants [method, function];
    composite {
        let (hop, win) = (hop_length.unwrap_or(n_fft >> 2), win_length.unwrap_or(n_fft));
        let length_text = length.map_or("None".to_string(), |n| n.to_string());
        let rest = format!(
            ", center={}, normalized={}{}, length={length_text}, return_complex={}",
            i32::from(center), i32::from(normalized), flag("onesided", onesided), i32::from(return_complex)
        );
        let asked = Asked { name: "istft", input, n_fft, hop, win, window, rest };
        if !input.dtype().is_complex() {
            return Err(Error::runtime("istft requires a complex-valued input tensor matching the output from stft with return_complex=True."));
        }
        if input.numel() == 0 {
            return asked.refuse(": input tensor cannot be empty.".into());
        }
        if !(2..=3).contains(&input.dim()) {
            return asked.refuse(format!(": expected a tensor with 3 or 4 dimensions, but got {}", input.dim() + 1));
        }
        let (frames, rows) = (input.size()[input.dim() - 1], input.size()[input.dim() - 2]);
        let onesided = onesided.unwrap_or(rows != n_fft);
        if onesided && n_fft / 2 + 1 != rows {
            return asked.refuse(format!(
                ": expected the frequency dimension (3rd to the last) of the input tensor to match n_fft / 2 + 1 when onesided=True, but got {rows}"
            ));
        }
        if !onesided && n_fft != rows {
            return asked.refuse(format!(
                ": expected the frequency dimension (3rd to the last) of the input tensor to match n_fft when onesided=False, but got {rows}"
            ));
        }
        if !(0 < hop && hop <= win) {
            return asked.refuse(": expected 0 < hop_length <= win_length".into());
        }
        if !(0 < win && win <= n_fft) {
            return asked.refuse(": expected 0 < win_length <= n_fft".into());
        }
        if window.is_some_and(|w| w.size() != [win]) {
            return asked.refuse(": Invalid window shape. window has to be 1D and length of `win_length`".into());
        }
        let real = Options { dtype: Some(input.dtype().to_real()), ..Options::like(input) };
        let window_all = match centered(window, win, n_fft, real)? {
            Some(w) => w,
            None => crate::ops::ones_with(&[n_fft], real)?,
        };
        let x = if input.dim() == 2 { input.unsqueeze(0)? } else { input.clone() }.transpose(1, 2)?;
        let norm = if normalized { Norm::Root } else { Norm::Length };
        let x = if return_complex {
            if onesided {
                return Err(Error::runtime("Cannot have onesided output if window or input is complex"));
            }
            c2c(&x, &[2], norm as i64, false)?
        } else {
            if window_all.dtype().is_complex() {
                return Err(Error::runtime("Complex windows are incompatible with return_complex=False"));
            }
            let half = if onesided { x } else { x.slice(-1, 0, n_fft / 2 + 1, 1)? };
            c2r(&half, &[2], norm as i64, n_fft)?
        };
        let whole = n_fft + hop * (frames - 1);
        let start = if center { n_fft / 2 } else { 0 };
        let end = match length {
            Some(n) => start + n,
            None if center => -(n_fft / 2),
            None => whole,
        };
        let pieces = x.mul(window_all.view(&[1, 1, n_fft])?)?;
        let y = pieces.unfold_into_zeros(&[pieces.size()[0], whole], 1, n_fft, hop)?.slice(1, start, end, 1)?;
        let weights = window_all.square()?.expand(&[1, frames, n_fft])?.unfold_into_zeros(&[1, whole], 1, n_fft, hop)?.slice(1, start, end, 1)?;
        let lowest = weights.detach().abs()?.min()?.lt(1e-11)?;
        if lowest.item()?.to_bool() {
            return asked.refuse("window overlap add min: 1\n[ CPUBoolType{} ]".into());
        }
        let mut y = y.div(weights)?;
        if input.dim() == 2 {
            y = y.squeeze_dim(0)?;
        }
        if end > whole { y.constant_pad_nd(&[0, end - whole]) } else { Ok(y) }
    };
    samples {
        let z = samples::tensor(&[3, 4, 2], -1.0, 1.0).view_as_complex().unwrap_or_else(|e| panic!("{e}"));
        vec![Sample::new([z.into(), 4.into(), 2.into()])]
    };
}
