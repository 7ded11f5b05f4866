//! Fuzzing without tools: inputs made from sound files by a seeded generator, and a reader that must end each soon, without a
//! panic, and in memory bounded by the input's length.
//!
//! `FLAMBEAU_FUZZ` is the number of inputs for each reader, `FLAMBEAU_FUZZ_SEED` where to begin. A failure says both, and
//! keeps the input in `target/fuzz/`.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// The system's allocator, counting what the thread holds.
pub struct Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn count(by: isize) {
    // A thread that is ending has no counters any more.
    let _ = HELD.try_with(|held| {
        let now = held.get() + by;
        held.set(now);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(now)));
    });
}

// SAFETY: all is left to the system's allocator; the counters take no memory.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's duties are the same.
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: as above.
        unsafe { System.dealloc(ptr, layout) }
    }
    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize - layout.size() as isize);
        // SAFETY: as above.
        unsafe { System.realloc(ptr, layout, size) }
    }
}

/// SplitMix64: small, and the same everywhere.
pub struct Random(u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `n`, 0 if `n` is.
    pub fn below(&mut self, n: usize) -> usize {
        if n == 0 { 0 } else { (self.next() % n as u64) as usize }
    }

    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    fn range(&mut self, len: usize, most: usize) -> std::ops::Range<usize> {
        let start = self.below(len + 1);
        start..(start + 1 + self.below(most)).min(len)
    }
}

/// Numbers at which length fields go wrong.
const EDGES: [u64; 20] = [
    0,
    1,
    2,
    3,
    7,
    8,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0xFFFF,
    0x1_0000,
    0x7FFF_FFFF,
    0x8000_0000,
    0xFFFF_FFFF,
    0x1_0000_0000,
    0x3FFF_FFFF_FFFF_FFFF,
    0x7FFF_FFFF_FFFF_FFFF,
    0x8000_0000_0000_0000,
    0xFFFF_FFFF_FFFF_FFFF,
];

/// Changes bytes without knowing what they mean.
pub fn mutate(random: &mut Random, bytes: &mut Vec<u8>, seeds: &[Vec<u8>]) {
    let len = bytes.len();
    match random.below(11) {
        0 | 1 if len > 0 => bytes[random.below(len)] ^= 1 << random.below(8),
        2 if len > 0 => bytes[random.below(len)] = random.next() as u8,
        3 => bytes.truncate(random.below(len + 1)),
        4 => drop(bytes.drain(random.range(len, 64))),
        5 => {
            let part = bytes[random.range(len, 64)].to_vec();
            let at = random.below(len + 1);
            bytes.splice(at..at, part);
        }
        6 | 7 => {
            // A length field of 1, 2, 4 or 8 bytes, in either order, exact or off by a little.
            let width = 1 << random.below(4);
            if len >= width {
                let at = random.below(len - width + 1);
                let edge = if random.below(4) == 0 { len as u64 } else { *random.pick(&EDGES) };
                let value = edge.wrapping_add(random.below(5) as u64).wrapping_sub(2);
                let mut field = value.to_le_bytes()[..width].to_vec();
                if random.below(4) == 0 {
                    field.reverse();
                }
                bytes[at..at + width].copy_from_slice(&field);
            }
        }
        8 => {
            // The head of this and the tail of another.
            let other = random.pick(seeds);
            bytes.truncate(random.below(len + 1));
            bytes.extend_from_slice(&other[random.below(other.len() + 1)..]);
        }
        9 => {
            let part = bytes[random.range(len, 32)].to_vec();
            if let Some(room) = len.checked_sub(part.len()) {
                let at = random.below(room + 1);
                bytes[at..at + part.len()].copy_from_slice(&part);
            }
        }
        _ => {
            // A digit of a text header.
            let digits: Vec<usize> = (0..len).filter(|&i| bytes[i].is_ascii_digit()).collect();
            if !digits.is_empty() {
                let at = *random.pick(&digits);
                let text = random.pick(&EDGES).to_string();
                bytes.splice(at..at + 1, text.bytes());
            }
        }
    }
}

/// Runs a reader on inputs made from `seeds` by `make`, which gets the generator and a copy of one of them.
pub fn run(
    name: &str,
    seeds: &[Vec<u8>],
    make: impl Fn(&mut Random, Vec<u8>) -> Vec<u8>,
    read: impl Fn(Vec<u8>) -> bool,
) {
    let number = |key: &str, other: u64| std::env::var(key).ok().and_then(|n| n.parse().ok()).unwrap_or(other);
    let (total, first) = (number("FLAMBEAU_FUZZ", 3_000), number("FLAMBEAU_FUZZ_SEED", 0));
    let (mut passed, mut longest, mut most) = (0u64, Duration::ZERO, 0isize);
    let began = Instant::now();
    for i in first..first + total {
        let mut random = Random(i);
        random.next();
        let seed = random.pick(seeds).clone();
        let input = make(&mut random, seed);
        let (len, kept) = (input.len(), input.clone());
        let held = HELD.get();
        PEAK.set(held);
        let start = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| read(input)));
        let (took, took_bytes) = (start.elapsed(), PEAK.get() - held);
        longest = longest.max(took);
        most = most.max(took_bytes);
        let fault = match &outcome {
            Err(_) => Some("a panic".to_string()),
            Ok(_) if took_bytes > (64 << 20) + 256 * len as isize => Some(format!("{took_bytes} bytes of memory")),
            Ok(_) if took > Duration::from_secs(20) => Some(format!("{took:?}")),
            Ok(_) => None,
        };
        if let Some(fault) = fault {
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/fuzz");
            let file = folder.join(format!("{name}-{i}"));
            let stored = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&file, &kept));
            panic!("{name}: input {i} of {len} bytes: {fault} (kept in {}: {stored:?})", file.display());
        }
        passed += u64::from(matches!(outcome, Ok(true)));
        if total > 100_000 && (i - first + 1) % 100_000 == 0 {
            eprintln!("{name}: {} inputs, {:.0} s", i - first + 1, began.elapsed().as_secs_f64());
        }
    }
    eprintln!(
        "{name}: {total} inputs, {passed} were read; longest {longest:?}, most memory {most} bytes; {:.1} s",
        began.elapsed().as_secs_f64()
    );
    assert!(total < 1000 || passed > 0, "{name}: not one input was read: the fuzzer is broken");
}
