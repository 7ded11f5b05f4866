//! Resampling by copies.

use super::axis::{Filter, Move, nearest as nearest_index};
use super::{GRAIN, planes};
use crate::gemm::{Shared, for_pieces};
use crate::{View, ViewMut};

/// Every element of the output is a copy of one of the input; the dtype is of 1, 2, 4, 8 or 16 bytes.
pub(super) fn nearest(out: &mut ViewMut, input: &View, filter: Filter, moves: &[Move]) {
    match input.dtype().size() {
        1 => copy::<u8>(out, input, filter, moves),
        2 => copy::<u16>(out, input, filter, moves),
        4 => copy::<u32>(out, input, filter, moves),
        8 => copy::<u64>(out, input, filter, moves),
        _ => copy::<u128>(out, input, filter, moves),
    }
}

fn copy<E: Copy>(out: &mut ViewMut, input: &View, filter: Filter, moves: &[Move]) {
    let (count, size, out_size) = planes(input.sizes(), moves);
    let index: Vec<Vec<usize>> =
        moves.iter().map(|m| (0..m.out).map(|o| nearest_index(filter, m, o)).collect()).collect();
    let (row, rows) = (&index[index.len() - 1], &index[..index.len() - 1]);
    // Where each row of an output comes from.
    let width = moves[moves.len() - 1].size;
    let mut starts = vec![0usize];
    for (d, list) in rows.iter().enumerate() {
        starts = starts.iter().flat_map(|&s| list.iter().map(move |&i| s * moves[d].size + i)).collect();
    }
    let (x, y) = (Shared::read(input.ptr().cast::<E>()), Shared::new(out.ptr().cast::<E>()));
    let twice = row.len() == 2 * width && row.iter().enumerate().all(|(o, &i)| i == o / 2);
    for_pieces(0..count, GRAIN.div_ceil(out_size.max(1)), |range| {
        for plane in range {
            for (r, &start) in starts.iter().enumerate() {
                let from = x.at((plane * size + start * width) as isize);
                let to = y.at((plane * out_size + r * row.len()) as isize);
                // SAFETY: rows of this plane, which only this piece writes; the indices lie in a row.
                unsafe {
                    if r > 0 && starts[r - 1] == start {
                        std::ptr::copy_nonoverlapping(
                            to.wrapping_sub(row.len()).cast::<u8>(),
                            to.cast(),
                            row.len() * size_of::<E>(),
                        );
                    } else if twice {
                        for i in 0..width {
                            let v = from.add(i).read_unaligned();
                            to.add(2 * i).write_unaligned(v);
                            to.add(2 * i + 1).write_unaligned(v);
                        }
                    } else {
                        for (o, &i) in row.iter().enumerate() {
                            to.add(o).write_unaligned(from.add(i).read_unaligned());
                        }
                    }
                }
            }
        }
    });
}
