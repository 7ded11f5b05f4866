//! The order in which a serial loop visits the elements of one or two views: memory order of the first, as PyTorch's
//! TensorIterator has it. A transposed tensor is filled column by column.

use smallvec::SmallVec;

/// A nest of loops, the innermost first; strides in elements, one for each of `K` views.
pub struct Order<const K: usize> {
    loops: SmallVec<[(i64, [i64; K]); 5]>,
    empty: bool,
}

impl<const K: usize> Order<K> {
    /// Sorts the dimensions by stride and joins those that follow each other in memory.
    pub fn new(sizes: &[i64], strides: [&[i64]; K]) -> Order<K> {
        // Innermost last dimension first; then PyTorch's insertion sort, in which a stride of 0 says nothing.
        let mut dims: SmallVec<[usize; 5]> = (0..sizes.len()).rev().collect();
        let after = |a: usize, b: usize| -> i32 {
            for s in &strides {
                if s[a] == 0 || s[b] == 0 {
                    continue;
                }
                if s[a] != s[b] {
                    return if s[a] < s[b] { -1 } else { 1 };
                }
                if sizes[a] > sizes[b] {
                    return 1;
                }
            }
            0
        };
        for i in 1..dims.len() {
            let mut at = i;
            for before in (0..i).rev() {
                match after(dims[before], dims[at]) {
                    1 => {
                        dims.swap(before, at);
                        at = before;
                    }
                    -1 => break,
                    _ => {}
                }
            }
        }
        let mut loops: SmallVec<[(i64, [i64; K]); 5]> = SmallVec::new();
        for d in dims {
            let (n, step) = (sizes[d], std::array::from_fn(|k| strides[k][d]));
            if n == 1 {
                continue;
            }
            match loops.last_mut() {
                Some((len, inner)) if (0..K).all(|k| inner[k] * *len == step[k]) => *len *= n,
                _ => loops.push((n, step)),
            }
        }
        Order { loops, empty: sizes.contains(&0) }
    }

    /// The number of elements, if they lie in memory one behind the other in this order.
    pub fn dense_len(&self) -> Option<usize> {
        match self.loops.as_slice() {
            _ if self.empty => Some(0),
            [] => Some(1),
            [(n, step)] if step.iter().all(|&s| s == 1) => Some(*n as usize),
            _ => None,
        }
    }

    /// Calls `visit` with the offsets of each element, in order, until it fails.
    pub fn try_for_each<E>(&self, mut visit: impl FnMut([isize; K]) -> Result<(), E>) -> Result<(), E> {
        if self.empty {
            return Ok(());
        }
        let one = (1, [0; K]);
        let (&(inner_len, inner), outer) = self.loops.split_first().unwrap_or((&one, &[]));
        let mut index: SmallVec<[i64; 5]> = SmallVec::from_elem(0, outer.len());
        let mut base = [0i64; K];
        loop {
            let mut at = base;
            for _ in 0..inner_len {
                visit(at.map(|o| o as isize))?;
                (0..K).for_each(|k| at[k] += inner[k]);
            }
            let mut d = 0;
            loop {
                let Some(&(n, step)) = outer.get(d) else { return Ok(()) };
                index[d] += 1;
                (0..K).for_each(|k| base[k] += step[k]);
                if index[d] < n {
                    break;
                }
                (0..K).for_each(|k| base[k] -= step[k] * n);
                index[d] = 0;
                d += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visited(sizes: &[i64], strides: &[i64]) -> Vec<isize> {
        let mut seen = vec![];
        let order = Order::new(sizes, [strides]);
        let _: Result<(), ()> = order.try_for_each(|[o]| {
            seen.push(o);
            Ok(())
        });
        seen
    }

    #[test]
    fn transposed_is_visited_in_memory_order() {
        assert_eq!(visited(&[2, 3], &[1, 2]), [0, 1, 2, 3, 4, 5]);
        assert_eq!(Order::new(&[2, 3], [&[1, 2]]).dense_len(), Some(6));
        assert_eq!(visited(&[2, 2], &[8, 2]), [0, 2, 8, 10]);
        assert_eq!(visited(&[2, 0], &[1, 1]), []);
        assert_eq!(visited(&[], &[]), [0]);
    }
}
