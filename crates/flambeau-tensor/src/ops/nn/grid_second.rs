//! Sampling at the places of a grid in operators that are differentiable as often as one likes: what second derivatives are
//! made of.

use crate::autograd::{enable_grad, grad, grad_enabled};
use crate::ops::Val;
use crate::{DType, Error, Operand, Result, Tensor};
use flambeau_cpu::interp::{Border, Grid, GridFilter};

/// Elements around the places along one side: where they are, whether that is inside, and their weights.
type Side = Vec<(Tensor, Tensor, Tensor)>;

/// Places brought into the image.
fn bounded(x: &Tensor, size: i64, how: Grid) -> Result<Tensor> {
    let last = (size - 1) as f64;
    let clipped = |x: &Tensor| x.clamp_min(0.0)?.clamp_max(last);
    match how.border {
        Border::Zeros => Ok(x.clone()),
        Border::Border => clipped(x),
        Border::Reflection => {
            let (low, span) = if how.align_corners { (0.0, last) } else { (-0.5, size as f64) };
            if span == 0.0 {
                return x.mul(0.0);
            }
            let from = x.sub(low)?.abs()?;
            let turns = from.detach().div(span)?.floor()?;
            let rest = from.sub(&turns.mul(span)?)?;
            let even = turns.remainder(2.0)?.eq(0.0)?;
            let there = Operand::from(rest.add(low)?);
            clipped(&even.where_(there, rest.neg()?.add(span + low)?)?)
        }
    }
}

/// A polynomial, the highest power first.
fn polynomial(x: &Tensor, of: [f64; 4]) -> Result<Tensor> {
    x.mul(of[0])?.add(of[1])?.mul(x)?.add(of[2])?.mul(x)?.add(of[3])
}

fn around(x: &Tensor, size: i64, how: Grid) -> Result<Side> {
    let tap = |at: Tensor, weight: Tensor| -> Result<(Tensor, Tensor, Tensor)> {
        let inside = at.ge(0.0)?.logical_and(&at.lt(size as f64)?)?;
        let at = at.clamp_min(0.0)?.clamp_max((size - 1) as f64)?;
        Ok((at.to_dtype(DType::I64)?, inside, weight))
    };
    let x = if how.align_corners {
        x.add(1.0)?.mul((size - 1) as f64 / 2.0)?
    } else {
        x.add(1.0)?.mul(size as f64 / 2.0)?.sub(0.5)?
    };
    match how.filter {
        GridFilter::Nearest => {
            let x = bounded(&x, size, how)?;
            Ok(vec![tap(x.detach().round()?, x.mul(0.0)?.add(1.0)?)?])
        }
        GridFilter::Bilinear => {
            let x = bounded(&x, size, how)?;
            let floor = x.detach().floor()?;
            let rest = x.sub(&floor)?;
            Ok(vec![tap(floor.clone(), rest.neg()?.add(1.0)?)?, tap(floor.add(1.0)?, rest)?])
        }
        GridFilter::Bicubic => {
            let floor = x.detach().floor()?;
            let rest = x.sub(&floor)?;
            let back = rest.neg()?.add(1.0)?;
            // The curve with the constant -0.75, within a step of the place and beyond it.
            let (near, far) = ([1.25, -2.25, 0.0, 1.0], [-0.75, 3.75, -6.0, 3.0]);
            let weights = [
                polynomial(&rest.add(1.0)?, far)?,
                polynomial(&rest, near)?,
                polynomial(&back, near)?,
                polynomial(&back.add(1.0)?, far)?,
            ];
            let places = (0..4).map(|k| bounded(&floor.add(k as f64 - 1.0)?, size, how)?.trunc());
            places.zip(weights).map(|(at, weight)| tap(at?, weight)).collect()
        }
    }
}

/// `grid_sampler`, in such operators.
fn sampled(x: &Tensor, grid: &Tensor, how: Grid) -> Result<Tensor> {
    let (n, channels) = (x.size()[0], x.size()[1]);
    let sides = &x.size()[2..];
    let places: i64 = grid.size()[1..grid.dim() - 1].iter().product();
    let flat = x.reshape(&[n, channels, sides.iter().product()])?;
    let mut taps: Vec<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> = vec![(None, None, None)];
    for (d, &size) in sides.iter().enumerate() {
        let along = grid.select(-1, (sides.len() - 1 - d) as i64)?.reshape(&[n, places])?;
        let side = around(&along, size, how)?;
        let mut longer = Vec::new();
        for (at, inside, weight) in &taps {
            for (more, within, factor) in &side {
                longer.push((
                    Some(at.as_ref().map_or(Ok(more.clone()), |a| a.mul(size)?.add(more))?),
                    Some(inside.as_ref().map_or(Ok(within.clone()), |i| i.logical_and(within))?),
                    Some(weight.as_ref().map_or(Ok(factor.clone()), |w| w.mul(factor))?),
                ));
            }
        }
        taps = longer;
    }
    let mut y: Option<Tensor> = None;
    for (at, inside, weight) in taps {
        let (Some(at), Some(inside), Some(weight)) = (at, inside, weight) else { continue };
        let weight = weight.masked_fill(&inside.logical_not()?, 0.0)?.unsqueeze(1)?;
        let part = flat.gather(2, &at.unsqueeze(1)?.expand(&[n, channels, places])?)?.mul(&weight)?;
        y = Some(y.map_or(Ok(part.clone()), |y| y.add(&part))?);
    }
    let y = y.ok_or_else(|| Error::runtime("grid_sampler(): an input without sides"))?;
    let mut out = x.sizes();
    out.truncate(2);
    out.extend(grid.size()[1..grid.dim() - 1].iter().copied());
    y.reshape(&out)
}

/// The gradient `h` of the gradient of sampling (for the input or the grid: `which`), for what that was made of: the
/// gradient of the result, the input or the grid (`of`).
pub(super) fn second(h: &Val, [g, x, grid]: [&Val; 3], how: Grid, which: usize, of: usize) -> Result<Tensor> {
    let keep = grad_enabled();
    // Each under a name of its own: one may be made of another.
    let own = |v: &Val| -> Result<Tensor> {
        let t = v.tensor()?;
        if keep && t.requires_grad() { t.view_alias() } else { t.detach().requires_grad_(true) }
    };
    let h = h.tensor()?;
    enable_grad(|| {
        let list = [own(g)?, own(x)?, own(grid)?];
        let y = sampled(&list[1], &list[2], how)?;
        let first = grad(&[y], &[list[1 + which].clone()], &[Some(list[0].clone())], Some(true), true, true)?;
        let zeros = || list[of].detach().mul(0.0);
        let Some(Some(first)) = first.into_iter().next() else { return zeros() };
        if !first.requires_grad() {
            return zeros();
        }
        let found = grad(&[first], &[list[of].clone()], &[Some(h)], Some(true), keep, true)?;
        found.into_iter().next().flatten().map_or_else(zeros, Ok)
    })
}
