//! Images (and volumes) at the places that a grid names.

use super::GRAIN;
use super::channels::{self, Lanes};
use super::place::{Border, Side, Straight, Taps};
use crate::gemm::{Shared, for_pieces, transpose};
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

/// Channels side by side pay from so many on.
const SIDE_BY_SIDE: usize = 4;

fn forward<T: Lanes>(out: &mut ViewMut, input: &View, grid: &View, how: Grid) {
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
    // The channels of an element side by side, and zeros behind them for what lies outside.
    let nearest = how.filter == GridFilter::Nearest;
    let side_by_side = job.channels >= SIDE_BY_SIDE && job.places * 4 >= job.size && !nearest;
    let step = job.channels.next_multiple_of(channels::LANES).max(channels::LANES);
    let turned = if side_by_side { turn_all(&job, x, step) } else { Vec::new() };
    let blocks = job.places.div_ceil(BLOCK);
    let work = (BLOCK * (job.channels + 4)) << n;
    for_pieces(0..job.samples * blocks, GRAIN.div_ceil(work), |range| {
        let mut places = vec![T::default(); BLOCK * n];
        let mut around = Around::new(&job, BLOCK);
        let mut lines = vec![T::default(); BLOCK * if side_by_side { step } else { 1 }];
        let mut line = vec![T::default(); BLOCK * if side_by_side { job.channels } else { 1 }];
        for block in range {
            let (sample, first) = (block / blocks, block % blocks * BLOCK);
            let count = BLOCK.min(job.places - first);
            // SAFETY: places of this sample.
            unsafe {
                load(pg.at(((sample * job.places + first) * n) as isize, bytes), 1, count * n, places.as_mut_ptr())
            };
            around.find(&job, &places[..count * n]);
            if side_by_side {
                let image = &turned[sample * (job.size + 1) * step..(sample + 1) * (job.size + 1) * step];
                channels::sums(image, step, &around.index, &around.weight, around.taps, &mut lines[..count * step]);
                // SAFETY: the channels of these places, and room for a block of each channel.
                unsafe { transpose(lines.as_ptr(), step as isize, count, job.channels, line.as_mut_ptr(), BLOCK) };
            }
            for c in 0..job.channels {
                if nearest {
                    let plane = x.at((sample * whole + c * job.size) as isize);
                    for (y, &i) in line.iter_mut().zip(&around.index) {
                        // SAFETY: an element of this channel.
                        *y = if i < job.size { unsafe { *plane.wrapping_add(i) } } else { T::default() };
                    }
                } else if !side_by_side {
                    let plane = x.at((sample * whole + c * job.size) as isize);
                    let taps = around.index.chunks_exact(around.taps).zip(around.weight.chunks_exact(around.taps));
                    for (y, (index, weight)) in line.iter_mut().zip(taps) {
                        *y = index.iter().zip(weight).fold(T::default(), |sum, (&i, &w)| {
                            // SAFETY: an element of this channel.
                            let value = if i < job.size { unsafe { *plane.wrapping_add(i) } } else { T::default() };
                            sum + value * w
                        });
                    }
                }
                let to = py.at(((sample * job.channels + c) * job.places + first) as isize, bytes);
                // SAFETY: places of this channel's output, which only this block writes.
                unsafe { store(line[if side_by_side { c * BLOCK } else { 0 }..].as_ptr(), count, to, 1) };
            }
        }
    });
}

/// The images of all samples by elements, `step` apart, and an element of zeros behind each image.
fn turn_all<T: Lanes>(job: &Job, x: Shared<T>, step: usize) -> Vec<T> {
    let mut turned = vec![T::default(); job.samples * (job.size + 1) * step];
    let to = Shared::new(turned.as_mut_ptr());
    for_pieces(0..job.samples, GRAIN.div_ceil(job.channels * job.size), |range| {
        for sample in range {
            let from = x.at((sample * job.channels * job.size) as isize);
            let to = to.at((sample * (job.size + 1) * step) as isize);
            // SAFETY: the channels of this sample, and their room.
            unsafe { transpose(from, job.size as isize, job.channels, job.size, to, step) };
        }
    });
    turned
}

/// The element nearest to a place; outside, the number behind the last.
#[inline(always)]
fn nearest<T: Real>(job: &Job, sides: &[Straight<T>], place: &[T]) -> usize {
    let mut at = 0;
    for ((side, straight), &x) in job.sides.iter().zip(sides).zip(place.iter().rev()) {
        let Some(i) = straight.nearest(x) else {
            let mut found = job.size;
            each(job, &job.taps(place), |i, _, _| found = i);
            return found;
        };
        at = at * side.size + i;
    }
    at
}

/// The elements around the places of a block, their weights but for the nearest: as many for each, those outside numbered as the one behind the last.
struct Around<T> {
    taps: usize,
    index: Vec<usize>,
    weight: Vec<T>,
}

impl<T: Real> Around<T> {
    fn new(job: &Job, places: usize) -> Around<T> {
        let side = match job.sides[0].filter {
            GridFilter::Nearest => 1usize,
            GridFilter::Bilinear => 2,
            GridFilter::Bicubic => 4,
        };
        let taps = side.pow(job.sides.len() as u32);
        Around { taps, index: Vec::with_capacity(places * taps), weight: Vec::with_capacity(places * taps) }
    }

    fn find(&mut self, job: &Job, places: &[T]) {
        self.index.clear();
        self.weight.clear();
        if self.taps == 1 {
            let sides: smallvec::SmallVec<[Straight<T>; 3]> = job.sides.iter().map(Side::straight).collect();
            self.index.extend(places.chunks_exact(sides.len()).map(|place| nearest(job, &sides, place)));
            return;
        }
        for place in places.chunks_exact(job.sides.len()) {
            let to = self.index.len() + self.taps;
            if !self.inner(job, place) {
                each(job, &job.taps(place), |i, w, _| {
                    self.index.push(i);
                    self.weight.push(w);
                });
            }
            self.index.resize(to, job.size);
            self.weight.resize(to, T::default());
        }
    }

    /// The elements around a place well inside an image, without detours. False elsewhere.
    #[inline]
    fn inner(&mut self, job: &Job, place: &[T]) -> bool {
        let (mut low, mut weights) = ([0; 3], [[T::of(1.0); 2]; 3]);
        let sides = job.sides.iter().zip(place.iter().rev());
        match job.sides[0].filter {
            GridFilter::Nearest => return false,
            GridFilter::Bilinear => {
                for (d, (side, &x)) in sides.enumerate() {
                    let Some((i, before, behind)) = side.between(x) else { return false };
                    (low[d], weights[d]) = (i, [before, behind]);
                }
                for corner in 0..self.taps {
                    let (mut at, mut w) = (0, T::of(1.0));
                    for (d, side) in job.sides.iter().enumerate() {
                        let k = corner >> (job.sides.len() - 1 - d) & 1;
                        at = at * side.size + low[d] + k;
                        w = if d == 0 { weights[d][k] } else { w * weights[d][k] };
                    }
                    self.index.push(at);
                    self.weight.push(w);
                }
            }
            GridFilter::Bicubic => {
                if job.sides.len() != 2 {
                    return false;
                }
                let (mut first, mut weights) = ([0; 2], [[T::of(0.0); 4]; 2]);
                for (d, (side, &x)) in sides.enumerate() {
                    let Some((i, w)) = side.four(x) else { return false };
                    (first[d], weights[d]) = (i, w);
                }
                for (row, &wy) in weights[0].iter().enumerate() {
                    let at = (first[0] + row) * job.sides[1].size + first[1];
                    self.index.extend(at..at + 4);
                    self.weight.extend(weights[1].map(|wx| wy * wx));
                }
            }
        }
        true
    }
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

fn backward<T: Lanes>(
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
    let step = job.channels.next_multiple_of(channels::LANES).max(channels::LANES);
    for_pieces(0..job.samples, GRAIN.div_ceil((out << n).max(1)), |range| {
        let mut sums = vec![T::default(); if to_input.is_some() { job.size * step } else { 0 }];
        let mut x = vec![T::default(); if to_grid.is_some() { job.size * step } else { 0 }];
        let mut g = vec![T::default(); job.places * step];
        let mut plain = vec![T::default(); whole.max(out)];
        let mut places = vec![T::default(); job.places * n];
        for sample in range {
            // SAFETY: this sample's part of contiguous views, and the room of its elements by channels.
            unsafe {
                load(pg.at((sample * out) as isize, bytes), 1, out, plain.as_mut_ptr());
                transpose(plain.as_ptr(), job.places as isize, job.channels, job.places, g.as_mut_ptr(), step);
                if !x.is_empty() {
                    load(px.at((sample * whole) as isize, bytes), 1, whole, plain.as_mut_ptr());
                    transpose(plain.as_ptr(), job.size as isize, job.channels, job.size, x.as_mut_ptr(), step);
                }
                load(pp.at((sample * places.len()) as isize, bytes), 1, places.len(), places.as_mut_ptr());
            }
            sums.fill(T::default());
            for (place, g) in places.chunks_exact_mut(n).zip(g.chunks_exact(step)) {
                let taps = job.taps(place);
                let mut slopes = [T::default(); 3];
                each(&job, &taps, |i, w, s| {
                    if let Some(sums) = sums.get_mut(i * step..(i + 1) * step) {
                        channels::add(sums, g, w);
                    }
                    if let Some(x) = x.get(i * step..(i + 1) * step) {
                        let product = channels::dot(x, g);
                        slopes.iter_mut().zip(s).for_each(|(sum, s)| *sum += product * s);
                    }
                });
                for (d, place) in place.iter_mut().rev().enumerate() {
                    *place = slopes[d] * taps[d].speed;
                }
            }
            // SAFETY: this sample's part of the gradients.
            unsafe {
                if let Some(to) = to_input {
                    transpose(sums.as_ptr(), step as isize, job.size, job.channels, plain.as_mut_ptr(), job.size);
                    store(plain.as_ptr(), whole, to.at((sample * whole) as isize, bytes), 1);
                }
                if let Some(to) = to_grid {
                    store(places.as_ptr(), places.len(), to.at((sample * places.len()) as isize, bytes), 1);
                }
            }
        }
    });
}
