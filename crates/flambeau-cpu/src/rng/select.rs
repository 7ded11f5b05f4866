//! The places of the greatest values. Among equal values PyTorch's choice depends on the steps of its C++ library's
//! selection and sorting, so those steps are taken here.

type Item = (f64, usize);

/// The places of the `k` greatest values, greatest first.
pub(super) fn greatest(values: &[f64], k: usize) -> Vec<usize> {
    let n = values.len();
    debug_assert!(k >= 1 && k <= n);
    if k == 1 {
        // The first of equals; NaN is greatest.
        let first = (1..n).fold(0, |best, i| if before(values[i], values[best]) { i } else { best });
        return vec![first];
    }
    let mut items: Vec<Item> = values.iter().copied().zip(0..).collect();
    if k * 64 <= n {
        heap_select(&mut items, k);
        sort_heap(&mut items[..k]);
    } else {
        nth_element(&mut items, k - 1);
        sort(&mut items[..k - 1]);
    }
    items[..k].iter().map(|i| i.1).collect()
}

fn before(a: f64, b: f64) -> bool {
    (a.is_nan() && !b.is_nan()) || a > b
}

fn less(a: Item, b: Item) -> bool {
    before(a.0, b.0)
}

fn push_up(h: &mut [Item], mut hole: usize, top: usize, value: Item) {
    while hole > top && less(h[(hole - 1) / 2], value) {
        h[hole] = h[(hole - 1) / 2];
        hole = (hole - 1) / 2;
    }
    h[hole] = value;
}

fn adjust(h: &mut [Item], mut hole: usize, value: Item) {
    let (top, len) = (hole, h.len());
    let mut child = hole;
    while len > 0 && child < (len - 1) / 2 {
        child = 2 * (child + 1);
        if less(h[child], h[child - 1]) {
            child -= 1;
        }
        h[hole] = h[child];
        hole = child;
    }
    if len.is_multiple_of(2) && len >= 2 && child == (len - 2) / 2 {
        child = 2 * (child + 1);
        h[hole] = h[child - 1];
        hole = child - 1;
    }
    push_up(h, hole, top, value);
}

fn make_heap(h: &mut [Item]) {
    if h.len() >= 2 {
        for parent in (0..=(h.len() - 2) / 2).rev() {
            let value = h[parent];
            adjust(h, parent, value);
        }
    }
}

fn heap_select(items: &mut [Item], k: usize) {
    let (heap, rest) = items.split_at_mut(k);
    make_heap(heap);
    for item in rest {
        if less(*item, heap[0]) {
            let value = std::mem::replace(item, heap[0]);
            adjust(heap, 0, value);
        }
    }
}

fn sort_heap(h: &mut [Item]) {
    for last in (1..h.len()).rev() {
        let value = h[last];
        h[last] = h[0];
        adjust(&mut h[..last], 0, value);
    }
}

/// Moves the median of the second, middle and last item to the front, splits the rest by it, and returns the place of
/// the split.
fn partition(items: &mut [Item]) -> usize {
    let (a, b, c) = (1, items.len() / 2, items.len() - 1);
    let median = if less(items[a], items[b]) {
        if less(items[b], items[c]) {
            b
        } else if less(items[a], items[c]) {
            c
        } else {
            a
        }
    } else if less(items[a], items[c]) {
        a
    } else if less(items[b], items[c]) {
        c
    } else {
        b
    };
    items.swap(0, median);
    let pivot = items[0];
    let (mut first, mut last) = (1, items.len());
    loop {
        while less(items[first], pivot) {
            first += 1;
        }
        last -= 1;
        while less(pivot, items[last]) {
            last -= 1;
        }
        if first >= last {
            return first;
        }
        items.swap(first, last);
        first += 1;
    }
}

fn insertion_sort(items: &mut [Item], from: usize) {
    for i in from..items.len() {
        let value = items[i];
        if less(value, items[0]) {
            items.copy_within(0..i, 1);
            items[0] = value;
        } else {
            let mut j = i;
            while less(value, items[j - 1]) {
                items[j] = items[j - 1];
                j -= 1;
            }
            items[j] = value;
        }
    }
}

fn nth_element(items: &mut [Item], nth: usize) {
    let (mut first, mut last) = (0, items.len());
    let mut depth = 2 * items.len().max(1).ilog2();
    while last - first > 3 {
        if depth == 0 {
            heap_select(&mut items[first..last], nth + 1 - first);
            items.swap(first, nth);
            return;
        }
        depth -= 1;
        let cut = first + partition(&mut items[first..last]);
        if cut <= nth { first = cut } else { last = cut }
    }
    insertion_sort(&mut items[first..last], 1);
}

fn sort(items: &mut [Item]) {
    if items.is_empty() {
        return;
    }
    split(items, 2 * items.len().ilog2());
    let head = items.len().min(16);
    insertion_sort(&mut items[..head], 1);
    for i in head..items.len() {
        let value = items[i];
        let mut j = i;
        while less(value, items[j - 1]) {
            items[j] = items[j - 1];
            j -= 1;
        }
        items[j] = value;
    }
}

fn split(items: &mut [Item], mut depth: u32) {
    let mut last = items.len();
    while last > 16 {
        if depth == 0 {
            make_heap(&mut items[..last]);
            sort_heap(&mut items[..last]);
            return;
        }
        depth -= 1;
        let cut = partition(&mut items[..last]);
        split(&mut items[cut..last], depth);
        last = cut;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_come_first() {
        let values: Vec<f64> = (0..1000).map(|i| ((i * 7919) % 1009) as f64).collect();
        let mut sorted: Vec<usize> = (0..1000).collect();
        sorted.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
        for k in [1, 2, 3, 15, 16, 17, 100, 500, 999, 1000] {
            assert_eq!(greatest(&values, k), sorted[..k], "{k}");
        }
    }

    #[test]
    fn equal_values_are_all_listed() {
        for n in 2..70 {
            let values: Vec<f64> = (0..n).map(|i| (i % 3) as f64).collect();
            for k in 1..=n {
                let mut places = greatest(&values, k);
                assert!(places.windows(2).all(|w| values[w[0]] >= values[w[1]]), "{n} {k}");
                places.sort();
                places.dedup();
                assert_eq!(places.len(), k, "{n} {k}");
            }
        }
    }
}
