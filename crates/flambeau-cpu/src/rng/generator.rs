//! The generator: MT19937, the normal numbers kept for the next call, and the byte layout of its state.

use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::Read;

use flambeau_types::{Error, Result};

/// Words of state of the Mersenne twister.
const N: usize = 624;
/// The distance of the word that is mixed in.
const M: usize = 397;
/// The length of [`Generator::get_state`], in bytes.
pub const STATE_SIZE: usize = 5056;

/// The seed of a generator that nobody seeded, as PyTorch's.
const DEFAULT_SEED: u64 = 67280421310721;

/// A source of random bits whose stream, for a seed, is that of PyTorch's CPU generator.
#[derive(Clone)]
pub struct Generator {
    words: [u32; N],
    seed: u64,
    /// Draws left before the words are renewed, plus one: PyTorch's counter, kept because the state shows it.
    left: u32,
    next: u32,
    next_float_normal: Option<f32>,
    next_double_normal: Option<f64>,
}

impl Default for Generator {
    /// A generator with the seed that `torch.Generator()` starts with.
    fn default() -> Generator {
        Generator::new(DEFAULT_SEED)
    }
}

impl std::fmt::Debug for Generator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Generator").field("seed", &self.seed).field("next", &self.next).finish_non_exhaustive()
    }
}

impl Generator {
    /// A generator with this seed.
    pub fn new(seed: u64) -> Generator {
        let mut words = [0; N];
        words[0] = seed as u32;
        for j in 1..N {
            let before = words[j - 1];
            words[j] = 1812433253u32.wrapping_mul(before ^ (before >> 30)).wrapping_add(j as u32);
        }
        Generator { words, seed, left: 1, next: 0, next_float_normal: None, next_double_normal: None }
    }

    /// Starts anew from this seed.
    pub fn manual_seed(&mut self, seed: u64) {
        *self = Generator::new(seed);
    }

    /// The seed that the stream started from.
    pub fn initial_seed(&self) -> u64 {
        self.seed
    }

    /// Starts anew from an unpredictable seed, and returns it.
    pub fn seed(&mut self) -> u64 {
        let mut bytes = [0; 8];
        let seed = match File::open("/dev/urandom").and_then(|mut f| f.read_exact(&mut bytes)) {
            Ok(()) => u64::from_ne_bytes(bytes),
            // The standard library keys its hash maps with the system's random bits.
            Err(_) => RandomState::new().hash_one(std::time::SystemTime::now()),
        };
        self.manual_seed(seed);
        seed
    }

    /// The next 32 bits.
    #[inline]
    pub fn random(&mut self) -> u32 {
        if self.ready() == 0 {
            self.renew();
        }
        let word = self.words[self.next as usize];
        self.next += 1;
        self.left -= 1;
        temper(word)
    }

    /// The next 64 bits: two draws, the upper half first.
    #[inline]
    pub fn random64(&mut self) -> u64 {
        let high = self.random();
        let low = self.random();
        (high as u64) << 32 | low as u64
    }

    /// Fills a slice with draws of 32 bits.
    pub fn fill(&mut self, out: &mut [u32]) {
        let mut rest = out;
        while !rest.is_empty() {
            if self.ready() == 0 {
                self.renew();
            }
            let n = self.ready().min(rest.len());
            let (now, later) = rest.split_at_mut(n);
            let from = self.next as usize;
            temper_all(&self.words[from..from + n], now);
            self.next += n as u32;
            self.left -= n as u32;
            rest = later;
        }
    }

    /// Passes over draws.
    pub fn skip(&mut self, n: usize) {
        for _ in 0..n {
            self.random();
        }
    }

    /// A number of [0, 1) with 53 random bits.
    #[inline]
    pub(super) fn unit_f64(&mut self) -> f64 {
        unit_f64(self.random64())
    }

    /// A standard normal number by Box and Muller; each second call returns the partner of the one before.
    #[inline]
    pub(super) fn standard_normal(&mut self) -> f64 {
        if let Some(kept) = self.next_double_normal.take() {
            return kept;
        }
        let u1 = self.unit_f64();
        let u2 = self.unit_f64();
        let radius = (-2.0 * (-u2).ln_1p()).sqrt();
        let (sin, cos) = (std::f64::consts::TAU * u1).sin_cos();
        self.next_double_normal = Some(radius * sin);
        radius * cos
    }

    /// Words that can be handed out before a renewal. A state from outside may have a count and a place that disagree.
    #[inline]
    fn ready(&self) -> usize {
        (self.left as usize - 1).min(N - self.next as usize)
    }

    #[cold]
    fn renew(&mut self) {
        twist_all(&mut self.words);
        // PyTorch counts the draw that causes the renewal too; `random` and `fill` take it off.
        self.left = N as u32 + 1;
        self.next = 0;
    }

    /// The whole state as bytes, in the layout of `torch.get_rng_state()`.
    pub fn get_state(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(STATE_SIZE);
        out.extend(self.seed.to_le_bytes());
        out.extend(self.left.to_le_bytes());
        out.extend(1u32.to_le_bytes());
        out.extend((self.next as u64).to_le_bytes());
        for word in self.words {
            out.extend((word as u64).to_le_bytes());
        }
        out.extend(0f64.to_le_bytes());
        out.extend(self.next_double_normal.unwrap_or(0.0).to_le_bytes());
        out.extend(0f64.to_le_bytes());
        out.extend((self.next_double_normal.is_some() as u64).to_le_bytes());
        out.extend(self.next_float_normal.unwrap_or(0.0).to_le_bytes());
        out.extend((self.next_float_normal.is_some() as u32).to_le_bytes());
        debug_assert_eq!(out.len(), STATE_SIZE);
        out
    }

    /// Takes over a state from [`Generator::get_state`] or `torch.get_rng_state()`.
    pub fn set_state(&mut self, state: &[u8]) -> Result<()> {
        if state.len() != STATE_SIZE {
            return Err(Error::runtime(format!(
                "Expected a CPUGeneratorImplState of size {STATE_SIZE} but found the input RNG state size to be {}",
                state.len()
            )));
        }
        let u32_at = |at: usize| u32::from_le_bytes([state[at], state[at + 1], state[at + 2], state[at + 3]]);
        let u64_at = |at: usize| u32_at(at) as u64 | (u32_at(at + 4) as u64) << 32;
        let (left, next) = (u32_at(8), u32_at(16));
        if u32_at(12) == 0 || !(1..=N as u32).contains(&left) || next > N as u32 {
            return Err(Error::runtime("Invalid mt19937 state"));
        }
        self.seed = u64_at(0);
        self.left = left;
        self.next = next;
        for (i, word) in self.words.iter_mut().enumerate() {
            *word = u32_at(24 + 8 * i);
        }
        self.next_double_normal = (u32_at(5040) != 0).then(|| f64::from_bits(u64_at(5024)));
        self.next_float_normal = (state[5052] != 0).then(|| f32::from_bits(u32_at(5048)));
        Ok(())
    }
}

/// 53 of 64 bits as a number of [0, 1).
#[inline(always)]
pub(super) fn unit_f64(bits: u64) -> f64 {
    (bits & ((1 << 53) - 1)) as i64 as f64 * (1.0 / (1u64 << 53) as f64)
}

/// 24 of 32 bits as a number of [0, 1).
#[inline(always)]
pub(super) fn unit_f32(bits: u32) -> f32 {
    (bits & ((1 << 24) - 1)) as i32 as f32 * (1.0 / (1u32 << 24) as f32)
}

#[inline(always)]
fn temper(mut y: u32) -> u32 {
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c_5680;
    y ^= (y << 15) & 0xefc6_0000;
    y ^ (y >> 18)
}

#[inline(always)]
fn twist(u: u32, v: u32) -> u32 {
    let mixed = (u & 0x8000_0000) | (v & 0x7fff_ffff);
    (mixed >> 1) ^ ((v & 1).wrapping_neg() & 0x9908_b0df)
}

#[inline(always)]
fn twist_body(p: &mut [u32; N]) {
    for j in 0..N - M {
        p[j] = p[j + M] ^ twist(p[j], p[j + 1]);
    }
    for j in N - M..N - 1 {
        p[j] = p[j + M - N] ^ twist(p[j], p[j + 1]);
    }
    p[N - 1] = p[M - 1] ^ twist(p[N - 1], p[0]);
}

#[inline(always)]
fn temper_body(words: &[u32], out: &mut [u32]) {
    for (o, &w) in out.iter_mut().zip(words) {
        *o = temper(w);
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    #[target_feature(enable = "avx2")]
    pub fn twist_all(p: &mut [u32; super::N]) {
        super::twist_body(p);
    }

    #[target_feature(enable = "avx2")]
    pub fn temper_all(words: &[u32], out: &mut [u32]) {
        super::temper_body(words, out);
    }
}

fn twist_all(p: &mut [u32; N]) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        return unsafe { avx2::twist_all(p) };
    }
    twist_body(p);
}

fn temper_all(words: &[u32], out: &mut [u32]) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        return unsafe { avx2::temper_all(words, out) };
    }
    temper_body(words, out);
}
