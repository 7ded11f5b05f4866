//! Selection and unstable sorting whose result among equal keys is that of libstdc++'s `partial_sort`, `nth_element` and
//! `sort`, on which the indices that PyTorch's `topk` returns depend. Only keys are compared.

use super::keys::Word;

#[inline(always)]
fn less<W: Word>(a: W, b: W) -> bool {
    a.key() < b.key()
}

/// A heap with its largest word first.
pub(crate) struct Heap<'a, W>(pub(crate) &'a mut [W]);

impl<W: Word> Heap<'_, W> {
    /// Orders the words as a heap.
    pub(crate) fn build(&mut self) {
        for parent in (0..self.0.len() / 2).rev() {
            let word = self.0[parent];
            self.sink(parent, self.0.len(), word);
        }
    }

    /// Drops the largest word and adds another.
    #[inline]
    pub(crate) fn replace_top(&mut self, word: W) {
        self.sink(0, self.0.len(), word);
    }

    /// Turns the heap into an ascending row.
    pub(crate) fn into_sorted(mut self) {
        for end in (1..self.0.len()).rev() {
            let word = self.0[end];
            self.0[end] = self.0[0];
            self.sink(0, end, word);
        }
    }

    /// Moves the hole at `hole` down to a leaf, always to the larger child, and `word` from there up to where it fits.
    fn sink(&mut self, mut hole: usize, len: usize, word: W) {
        let (h, top) = (&mut *self.0, hole);
        loop {
            let right = 2 * hole + 2;
            let child = if right < len {
                if less(h[right], h[right - 1]) { right - 1 } else { right }
            } else if right == len {
                right - 1
            } else {
                break;
            };
            h[hole] = h[child];
            hole = child;
        }
        while hole > top {
            let parent = (hole - 1) / 2;
            if !less(h[parent], word) {
                break;
            }
            h[hole] = h[parent];
            hole = parent;
        }
        h[hole] = word;
    }
}

/// Brings the `k` smallest words to the front, as a heap.
pub(crate) fn heap_select<W: Word>(words: &mut [W], k: usize) {
    let (front, rest) = words.split_at_mut(k);
    let mut heap = Heap(front);
    heap.build();
    for w in rest {
        if less(*w, heap.0[0]) {
            let top = heap.0[0];
            heap.replace_top(*w);
            *w = top;
        }
    }
}

/// Brings the word of rank `nth` to its place, smaller ones before it and larger ones behind.
pub(crate) fn nth_element<W: Word>(words: &mut [W], nth: usize) {
    let (mut first, mut last) = (0, words.len());
    let mut depth = 2 * last.checked_ilog2().unwrap_or(0);
    while last - first > 3 {
        if depth == 0 {
            heap_select(&mut words[first..last], nth + 1 - first);
            words.swap(first, nth);
            return;
        }
        depth -= 1;
        let cut = first + partition(&mut words[first..last]);
        if cut <= nth { first = cut } else { last = cut }
    }
    insertion_sort(&mut words[first..last]);
}

/// Sorts, but not stably.
pub(crate) fn sort<W: Word>(words: &mut [W]) {
    sort_blocks(words, 2 * words.len().checked_ilog2().unwrap_or(0));
    insertion_sort(words);
}

/// Sorts down to blocks of 16.
fn sort_blocks<W: Word>(mut words: &mut [W], mut depth: u32) {
    while words.len() > 16 {
        if depth == 0 {
            let mut heap = Heap(words);
            heap.build();
            heap.into_sorted();
            return;
        }
        depth -= 1;
        let cut = partition(words);
        let (front, back) = words.split_at_mut(cut);
        sort_blocks(back, depth);
        words = front;
    }
}

/// Splits around the median of three and returns where the second part starts.
fn partition<W: Word>(w: &mut [W]) -> usize {
    let (a, b, c) = (1, w.len() / 2, w.len() - 1);
    let median = if less(w[a], w[b]) {
        if less(w[b], w[c]) {
            b
        } else if less(w[a], w[c]) {
            c
        } else {
            a
        }
    } else if less(w[a], w[c]) {
        a
    } else if less(w[b], w[c]) {
        c
    } else {
        b
    };
    w.swap(0, median);
    let pivot = w[0];
    let (mut i, mut j) = (1, w.len());
    loop {
        // SAFETY: the median of three leaves a word on either side that ends each scan, and later on the words that were
        // swapped do: `i` and `j` stay within the slice.
        unsafe {
            while less(*w.get_unchecked(i), pivot) {
                i += 1;
            }
            j -= 1;
            while less(pivot, *w.get_unchecked(j)) {
                j -= 1;
            }
        }
        if i >= j {
            return i;
        }
        w.swap(i, j);
        i += 1;
    }
}

fn insertion_sort<W: Word>(words: &mut [W]) {
    for i in 1..words.len() {
        let word = words[i];
        let mut j = i;
        while j > 0 && less(word, words[j - 1]) {
            words[j] = words[j - 1];
            j -= 1;
        }
        words[j] = word;
    }
}
