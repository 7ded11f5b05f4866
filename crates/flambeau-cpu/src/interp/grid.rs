//! Images (and volumes) at the places that a grid names.

use super::GRAIN;
use super::place::{Border, Side, Taps};
use crate::gemm::{Shared, for_pieces};
use crate::reduce::Address;
use crate::reduce::real::Real;
use crate::{View, ViewMut};
use flambeau_types::DType;

/// How an image is read between its elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GridFilter {
    /// Linearly in each dimension.
    Bilinear,
    /// At the nearest element.
    Nearest,
    /// By cubic polynomials; of images only.
    Bicubic,
}

/// How a grid is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// What lies between elements.
    pub filter: GridFilter,
    /// What lies outside.
    pub border: Border,
    /// -1 and 1 are the middles of the first and last elements; else their edges.
    pub align_corners: bool,
}

/// Sizes of a call: samples, channels, and the sides of the image, the first one first.
struct Job {
    samples: usize,
    channels: usize,
    sides: Vec<Side>,
    size: usize,
    places: usize,
}

impl Job {
    fn new(input: &[i64], grid: &[i64], how: Grid) -> Job {
        let side = |&n: &i64| Side {
            size: n as usize,
            filter: how.filter,
            border: how.border,
            align_corners: how.align_corners,
            flat: input.len() == 4,
        };
        let sides: Vec<Side> = input[2..].iter().map(side).collect();
        Job {
            samples: input[0] as usize,
            channels: input[1] as usize,
            size: sides.iter().map(|s| s.size).product(),
            sides,
            places: grid[1..grid.len() - 1].iter().product::<i64>() as usize,
        }
    }

    /// The elements around a place, a list for each side. A grid names the last side first.
    fn taps<T: Real>(&self, place: &[T]) -> smallvec::SmallVec<[Taps<T>; 3]> {
        self.sides.iter().zip(place.iter().rev()).map(|(s, &x)| s.taps(x)).collect()
    }
}

/// Calls `f` for each element around a place: its index, its weight, and how the weight grows along each side.
#[inline(always)]
fn each<T: Real>(job: &Job, taps: &[Taps<T>], mut f: impl FnMut(usize, T, [T; 3])) {
    let one = T::of(1.0);
    let whole = |d: usize| if d < taps.len() { taps[d].count } else { 1 };
    for a in 0..whole(0) {
        for b in 0..whole(1) {
            for c in 0..whole(2) {
                let (mut index, mut w, mut s) = (Some(0usize), [one; 3], [one; 3]);
                for (d, k) in [a, b, c].into_iter().enumerate().take(taps.len()) {
                    let tap = taps[d].list[k];
                    index = index.zip(tap.index).map(|(at, i)| at * job.sides[d].size + i);
                    (w[d], s[d]) = (tap.weight, tap.slope);
                }
                if let Some(index) = index {
                    f(index, w[0] * w[1] * w[2], [s[0] * w[1] * w[2], w[0] * s[1] * w[2], w[0] * w[1] * s[2]]);
                }
            }
        }
    }
}

/// Places whose elements are found before the channels are gone through.
const BLOCK: usize = 128;

/// `input` (N, C, H, W) or (N, C, D, H, W) at the places of `grid` (N, H', W', 2) or (N, D', H', W', 3), which go from -1 to
/// 1. All contiguous, of one floating-point dtype; `out` has the places of the grid for each channel.
pub fn grid_sample(out: &mut ViewMut, input: View, grid: View, how: Grid) {
    if out.numel() == 0 {
        return;
    }
    if input.dtype() == DType::F64 {
        forward::<f64>(out, &input, &grid, how)
    } else {
        forward::<f32>(out, &input, &grid, how)
    }
}

fn forward<T: Real>(out: &mut ViewMut, input: &View, grid: &View, how: Grid) {
    let job = Job::new(input.sizes(), grid.sizes(), how);
    let (n, dtype, bytes) = (job.sides.len(), input.dtype(), input.dtype().size());
    let (load, store) = (T::load(dtype), T::store(dtype));
    let (px, pg, py) = (Address::reading(input.ptr()), Address::reading(grid.ptr()), Address::of(out));
    let whole = job.channels * job.size;
    let mut own = Vec::new();
    let direct = dtype == T::OWN && px.at(0, 1).cast::<T>().is_aligned();
    let x = if direct {
        Shared::read(input.ptr().cast::<T>())
    } else {
        own.resize(job.samples * whole, T::default());
        // SAFETY: the whole of a contiguous view.
        unsafe { load(input.ptr(), 1, own.len(), own.as_mut_ptr()) };
        Shared::read(own.as_ptr())
    };
    let blocks = job.places.div_ceil(BLOCK);
    let work = (BLOCK * (job.channels + 4)) << n;
    for_pieces(0..job.samples * blocks, GRAIN.div_ceil(work), |range| {
        let mut places = vec![T::default(); BLOCK * n];
        let mut taps: Vec<(usize, T)> = Vec::new();
        let mut ends = Vec::new();
        let mut line = [T::default(); BLOCK];
        for block in range {
            let (sample, first) = (block / blocks, block % blocks * BLOCK);
            let count = BLOCK.min(job.places - first);
            // SAFETY: places of this sample.
            unsafe {
                load(pg.at(((sample * job.places + first) * n) as isize, bytes), 1, count * n, places.as_mut_ptr())
            };
            taps.clear();
            ends.clear();
            for place in places[..count * n].chunks_exact(n) {
                each(&job, &job.taps(place), |i, w, _| taps.push((i, w)));
                ends.push(taps.len());
            }
            for c in 0..job.channels {
                let plane = x.at((sample * whole + c * job.size) as isize);
                let mut from = 0;
                for (y, &end) in line.iter_mut().zip(&ends) {
                    let mut sum = T::default();
                    for &(i, w) in &taps[from..end] {
                        // SAFETY: an element of this channel.
                        sum += unsafe { *plane.wrapping_add(i) } * w;
                    }
                    (*y, from) = (sum, end);
                }
                let to = py.at(((sample * job.channels + c) * job.places + first) as isize, bytes);
                // SAFETY: places of this channel's output, which only this block writes.
                unsafe { store(line.as_ptr(), count, to, 1) };
            }
        }
    });
}

/// The gradients of [`grid_sample`] for its input and for its grid, where wanted. All contiguous.
pub fn grid_sample_backward(
    grad_input: Option<&mut ViewMut>,
    grad_grid: Option<&mut ViewMut>,
    grad: View,
    input: View,
    grid: View,
    how: Grid,
) {
    if input.dtype() == DType::F64 {
        backward::<f64>(grad_input, grad_grid, &grad, &input, &grid, how)
    } else {
        backward::<f32>(grad_input, grad_grid, &grad, &input, &grid, how)
    }
}

fn backward<T: Real>(
    grad_input: Option<&mut ViewMut>,
    grad_grid: Option<&mut ViewMut>,
    grad: &View,
    input: &View,
    grid: &View,
    how: Grid,
) {
    let job = Job::new(input.sizes(), grid.sizes(), how);
    let (n, dtype, bytes) = (job.sides.len(), input.dtype(), input.dtype().size());
    let (load, store) = (T::load(dtype), T::store(dtype));
    let [pg, px, pp] = [grad, input, grid].map(|v| Address::reading(v.ptr()));
    let (to_input, to_grid) = (grad_input.map(Address::of), grad_grid.map(Address::of));
    let (whole, out) = (job.channels * job.size, job.channels * job.places);
    for_pieces(0..job.samples, GRAIN.div_ceil((out << n).max(1)), |range| {
        let mut sums = vec![T::default(); whole];
        let mut x = vec![T::default(); if to_grid.is_some() { whole } else { 0 }];
        let mut g = vec![T::default(); out];
        let mut places = vec![T::default(); job.places * n];
        for sample in range {
            // SAFETY: this sample's part of contiguous views.
            unsafe {
                load(pg.at((sample * out) as isize, bytes), 1, out, g.as_mut_ptr());
                load(px.at((sample * whole) as isize, bytes), 1, x.len(), x.as_mut_ptr());
                load(pp.at((sample * places.len()) as isize, bytes), 1, places.len(), places.as_mut_ptr());
            }
            sums.fill(T::default());
            for (p, place) in places.chunks_exact_mut(n).enumerate() {
                let taps = job.taps(place);
                let mut slopes = [T::default(); 3];
                each(&job, &taps, |i, w, s| {
                    for c in 0..job.channels {
                        let g = g[c * job.places + p];
                        sums[c * job.size + i] += g * w;
                        if let Some(&x) = x.get(c * job.size + i) {
                            slopes.iter_mut().zip(s).for_each(|(sum, s)| *sum += x * g * s);
                        }
                    }
                });
                for (d, place) in place.iter_mut().rev().enumerate() {
                    *place = slopes[d] * taps[d].speed;
                }
            }
            // SAFETY: this sample's part of the gradients.
            unsafe {
                if let Some(to) = to_input {
                    store(sums.as_ptr(), whole, to.at((sample * whole) as isize, bytes), 1);
                }
                if let Some(to) = to_grid {
                    store(places.as_ptr(), places.len(), to.at((sample * places.len()) as isize, bytes), 1);
                }
            }
        }
    });
}
