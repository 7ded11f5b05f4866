//! Each reader over altered files; `make fuzz` runs a million inputs each. See `common/fuzz.rs`.

#[path = "common/fuzz.rs"]
mod fuzz;

use flambeau_io::archive::{Archive, ArchiveWriter, Style};
use flambeau_io::npz::Npz;
use flambeau_io::pickle::{self, Allowed, StorageRequest, Storages};
use flambeau_io::safetensors::{self, TensorRef};
use flambeau_io::{Source, StorageId, Value, npy, torch_file};
use flambeau_types::{DType, Result};
use fuzz::{Counting, Random, mutate, run};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn fixtures(names: &[&str]) -> Vec<Vec<u8>> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    names.iter().map(|name| std::fs::read(folder.join(name)).unwrap()).collect()
}

const ZIPS: [&str; 8] = [
    "state_dict.pt",
    "optimizer.pt",
    "parameters.pt",
    "views.pt",
    "values.pt",
    "dtypes.pt",
    "protocol4.pt",
    "module.pt",
];

fn some(random: &mut Random, mut bytes: Vec<u8>, seeds: &[Vec<u8>]) -> Vec<u8> {
    for _ in 0..1 + random.below(4) {
        mutate(random, &mut bytes, seeds);
    }
    bytes
}

fn allowed() -> Allowed {
    Allowed::new(["builtins.range"]).prefixes(&["torch.nn.".into()])
}

fn read_checkpoint(bytes: Vec<u8>) -> bool {
    let Ok(file) = torch_file::from_source(Source::memory(bytes), &allowed()) else { return false };
    let read = file.storages.iter().map(|s| s.read()).collect::<Result<Vec<_>>>();
    if let Ok(storages) = &read {
        let lent: Vec<&[u8]> = storages.iter().map(Vec::as_slice).collect();
        // What was read is written, or refused, without a panic.
        let _ = torch_file::to_bytes(&file.root, &lent, "fuzz");
    }
    read.is_ok()
}

/// Storages of any name and length, which lie nowhere.
struct Any(Vec<u64>);

impl Storages for Any {
    fn storage(&mut self, request: StorageRequest<'_>) -> Result<StorageId> {
        self.0.push((request.numel as u64).saturating_mul(request.dtype.size() as u64));
        Ok(self.0.len() - 1)
    }

    fn nbytes(&self, id: StorageId) -> u64 {
        self.0[id]
    }
}

fn read_pickle(bytes: &[u8]) -> bool {
    let _ = pickle::globals_in(bytes);
    let Ok((value, _)) = pickle::load(bytes, &mut Any(Vec::new()), &allowed()) else { return false };
    let _ = pickle::dump(&value, &|_| Some(u64::MAX));
    true
}

/// The pickles inside the checkpoints.
fn pickles() -> Vec<Vec<u8>> {
    fixtures(&ZIPS).into_iter().map(|file| torch_file::pickle_of(Source::memory(file)).unwrap()).collect()
}

/// Where the opcodes of a sound pickle begin.
fn opcodes(bytes: &[u8]) -> Vec<usize> {
    let mut at = 0;
    let mut starts = Vec::new();
    while at < bytes.len() {
        starts.push(at);
        let four = |i: usize| bytes.get(i..i + 4).map_or(0, |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]) as usize);
        let line = |i: usize| bytes[i.min(bytes.len())..].iter().position(|&b| b == b'\n').map_or(0, |n| n + 1);
        at += 1 + match bytes[at] {
            0x80 | b'K' | b'h' | b'q' => 1,
            b'M' => 2,
            b'J' | b'j' | b'r' => 4,
            b'G' | 0x95 => 8,
            b'X' | b'B' | b'T' | 0x8b => 4usize.saturating_add(four(at + 1)),
            0x8a | 0x8c | b'U' | b'C' => 1 + bytes.get(at + 1).copied().unwrap_or(0) as usize,
            b'c' => {
                let module = line(at + 1);
                module + line(at + 1 + module)
            }
            _ => 0,
        };
    }
    starts
}

/// Changes a pickle opcode by opcode.
fn reorder(random: &mut Random, bytes: &mut Vec<u8>, seeds: &[Vec<u8>]) {
    let starts = opcodes(bytes);
    let span = |random: &mut Random, starts: &[usize], len: usize| {
        let i = random.below(starts.len());
        let j = (i + 1 + random.below(6)).min(starts.len());
        starts[i]..starts.get(j).copied().unwrap_or(len)
    };
    if starts.is_empty() {
        return;
    }
    let len = bytes.len();
    match random.below(7) {
        0 => drop(bytes.drain(span(random, &starts, len))),
        1 => {
            let part = bytes[span(random, &starts, len)].to_vec();
            let at = *random.pick(&starts);
            // Again and again: what shares a container grows.
            let part = part.repeat(1 + random.below(2) * random.below(200));
            bytes.splice(at..at, part);
        }
        2 => {
            let other = random.pick(seeds);
            let theirs = opcodes(other);
            let part = other[span(random, &theirs, other.len())].to_vec();
            let at = *random.pick(&starts);
            bytes.splice(at..at, part);
        }
        3 => {
            // An opcode without arguments, or a short one.
            const SHORT: [&[u8]; 22] = [
                b"(", b".", b"0", b"1", b"2", b"N", b"R", b"a", b"b", b"d", b"}", b"e", b"]", b"s", b"t", b")", b"u",
                b"Q", b"\x81", b"\x8f", b"\x90", b"\x94",
            ];
            let at = *random.pick(&starts);
            bytes.splice(at..at, random.pick(&SHORT).iter().copied());
        }
        4 => {
            // A memo's number.
            let gets: Vec<usize> = starts.iter().copied().filter(|&i| matches!(bytes[i], b'h' | b'q')).collect();
            if !gets.is_empty() {
                let at = *random.pick(&gets) + 1;
                if at < bytes.len() {
                    bytes[at] = random.below(64) as u8;
                }
            }
        }
        5 => {
            const LONG: [&[u8]; 8] = [
                b"ctorch._utils\n_rebuild_tensor_v2\n",
                b"ccollections\nOrderedDict\n",
                b"c__builtin__\nset\n",
                b"ctorch\nSize\n",
                b"ctorch.nn.modules.linear\nLinear\n",
                b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f",
                b"J\xff\xff\xff\xff",
                b"ctorch\nFloatStorage\n",
            ];
            let at = *random.pick(&starts);
            bytes.splice(at..at, random.pick(&LONG).iter().copied());
        }
        _ => mutate(random, bytes, seeds),
    }
}

fn altered_pickle(random: &mut Random, mut bytes: Vec<u8>, seeds: &[Vec<u8>]) -> Vec<u8> {
    for _ in 0..1 + random.below(5) {
        reorder(random, &mut bytes, seeds);
    }
    bytes
}

#[test]
fn zip_checkpoints() {
    let seeds = fixtures(&ZIPS);
    run("zip", &seeds, |random, bytes| some(random, bytes, &seeds), read_checkpoint);
}

/// Altered pickles in archives whose checksums hold.
#[test]
fn zip_checkpoints_with_altered_pickles() {
    let (seeds, files) = (pickles(), fixtures(&ZIPS));
    let archives: Vec<Archive> = files.into_iter().map(|f| Archive::open(Source::memory(f)).unwrap()).collect();
    let make = |random: &mut Random, bytes: Vec<u8>| {
        let pickle = altered_pickle(random, bytes, &seeds);
        let archive = random.pick(&archives);
        let mut out = ArchiveWriter::new(Vec::new(), Style::Torch);
        for entry in archive.entries() {
            let bytes = archive.record(entry).read().unwrap();
            let bytes = if entry.name.ends_with("data.pkl") { &pickle } else { &bytes };
            out.add(&entry.name, &[bytes]).unwrap();
        }
        out.finish().unwrap()
    };
    run("zip-pickle", &seeds, make, read_checkpoint);
}

#[test]
fn legacy_checkpoints() {
    let mut seeds = fixtures(&["legacy.pt"]);
    let file = torch_file::load(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/state_dict.pt")).unwrap();
    let storages: Vec<Vec<u8>> = file.storages.iter().map(|s| s.read().unwrap()).collect();
    let lent: Vec<&[u8]> = storages.iter().map(Vec::as_slice).collect();
    seeds.push(torch_file::write_legacy(Vec::new(), &file.root, &lent).unwrap());
    let make = |random: &mut Random, mut bytes: Vec<u8>| {
        if random.below(2) == 0 {
            return some(random, bytes, &seeds);
        }
        reorder(random, &mut bytes, &seeds);
        bytes
    };
    run("legacy", &seeds, make, read_checkpoint);
}

#[test]
fn bare_pickles() {
    let seeds = pickles();
    run("pickle", &seeds, |random, bytes| altered_pickle(random, bytes, &seeds), |bytes| read_pickle(&bytes));
}

#[test]
fn safetensors_files() {
    let floats = TensorRef { name: "w", dtype: DType::F32, sizes: &[2, 3], bytes: &[7; 24] };
    let halves = TensorRef { name: "b.bias", dtype: DType::BF16, sizes: &[], bytes: &[1, 2] };
    let empty = TensorRef { name: "empty", dtype: DType::I64, sizes: &[0, 4], bytes: &[] };
    let mut seeds = vec![Vec::new(), Vec::new()];
    safetensors::write(&mut seeds[0], &[floats, halves, empty], &[("format", "pt")]).unwrap();
    safetensors::write(&mut seeds[1], &[halves], &[]).unwrap();
    let read = |bytes: Vec<u8>| {
        let Ok(file) = safetensors::from_bytes(bytes) else { return false };
        for t in &file.tensors {
            let _ = t.record.read();
            let _ = t.rows(0, t.sizes.first().copied().unwrap_or(0)).and_then(|rows| rows.read());
        }
        true
    };
    run("safetensors", &seeds, |random, bytes| some(random, bytes, &seeds), read);
}

#[test]
fn npy_files() {
    let seeds = fixtures(&["f8_fortran.npy", "big_endian.npy", "objects.npy"]);
    let read = |bytes: Vec<u8>| npy::from_bytes(bytes).and_then(|array| array.read()).is_ok();
    run("npy", &seeds, |random, bytes| some(random, bytes, &seeds), read);
}

#[test]
fn npz_files() {
    let seeds = fixtures(&["plain.npz", "compressed.npz"]);
    let read = |bytes: Vec<u8>| {
        let Ok(file) = Npz::from_source(Source::memory(bytes)) else { return false };
        let arrays =
            file.names().iter().map(|name| file.get(name).and_then(|array| array.read())).collect::<Result<Vec<_>>>();
        arrays.is_ok()
    };
    run("npz", &seeds, |random, bytes| some(random, bytes, &seeds), read);
}

#[test]
fn the_opcodes_of_a_pickle_are_found() {
    let pickle = pickle::dump(&Value::list([Value::Int(1), Value::str("abc")]), &|_| None).unwrap().0;
    let names: Vec<u8> = opcodes(&pickle).into_iter().map(|at| pickle[at]).collect();
    assert_eq!(names, *b"\x80]q(KXqe.");
}
