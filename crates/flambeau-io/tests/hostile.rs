//! Files made to do harm: every one ends in an error, soon and without taking much memory.

use std::path::PathBuf;

use flambeau_io::archive::{Archive, ArchiveWriter, Style};
use flambeau_io::pickle::{self, Allowed, NoStorages};
use flambeau_io::{Source, Value, npy, safetensors, torch_file};

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)).unwrap()
}

fn unpickle(bytes: &[u8]) -> Result<Value, String> {
    pickle::load(bytes, &mut NoStorages, &Allowed::default()).map(|(v, _)| v).map_err(|e| e.message().to_string())
}

/// A checkpoint with this pickle and one storage of 16 bytes, called `0`.
fn checkpoint(pickle: &[u8]) -> Vec<u8> {
    let mut archive = ArchiveWriter::new(Vec::new(), Style::Torch);
    archive.add("x/data.pkl", &[pickle]).unwrap();
    archive.add("x/data/0", &[&[0; 16]]).unwrap();
    archive.add("x/version", &[b"3\n"]).unwrap();
    archive.finish().unwrap()
}

fn load_error(file: Vec<u8>) -> String {
    torch_file::from_bytes(file).map(|f| f.root).unwrap_err().message().to_string()
}

/// `_rebuild_tensor_v2` of the storage, as floats, with these arguments after it.
fn tensor_pickle(numel: &[u8], rest: &[u8]) -> Vec<u8> {
    let mut out = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpu".to_vec();
    out.extend_from_slice(numel);
    out.extend_from_slice(b"tQ");
    out.extend_from_slice(rest);
    out.extend_from_slice(b"\x89}tR.");
    out
}

#[test]
fn a_sound_tensor_passes_this_harness() {
    let file =
        torch_file::from_bytes(checkpoint(&tensor_pickle(b"K\x04", b"K\0K\x02K\x02\x86K\x02K\x01\x86"))).unwrap();
    assert_eq!(file.root.as_tensor().unwrap().sizes, [2, 2]);
    assert_eq!(file.storages[0].read().unwrap(), [0; 16]);
}

#[test]
fn tensors_outside_their_storage_are_refused() {
    let cases: [(&[u8], &[u8], &str); 8] = [
        (b"K\x04", b"K\x01K\x04\x85K\x01\x85", "out of bounds for storage of size 16"),
        (b"K\x04", b"K\0K\x05\x85K\x01\x85", "out of bounds for storage of size 16"),
        (b"K\x04", b"J\xff\xff\xff\xffK\x01\x85K\x01\x85", "invalid storage offset -1"),
        (b"K\x04", b"K\0J\xff\xff\xff\xff\x85K\x01\x85", "negative dimension"),
        (b"K\x04", b"K\x03K\x02\x85J\xff\xff\xff\xff\x85", "negative strides"),
        // 2^62 * 2^62 elements
        (b"K\x04", b"K\0\x8a\x08\0\0\0\0\0\0\0\x40\x8a\x08\0\0\0\0\0\0\0\x40\x86K\0K\0\x86", "out of bounds"),
        (b"K\x05", b"K\0K\x05\x85K\x01\x85", "declares 5 elements"),
        (b"\x8a\x08\0\0\0\0\0\0\0\x40", b"K\0K\x05\x85K\x01\x85", "declares 4611686018427387904 elements"),
    ];
    for (numel, rest, expected) in cases {
        let error = load_error(checkpoint(&tensor_pickle(numel, rest)));
        assert!(error.contains(expected), "{error}, not {expected}");
    }
}

#[test]
fn calls_are_refused_by_name() {
    let cases: [(&[u8], &str); 9] = [
        (b"\x80\x02c__builtin__\neval\nX\x01\0\0\x001\x85R.", "GLOBAL eval was not an allowed global by default"),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02ls\x85R.", "GLOBAL os.system whose module os is blocked"),
        (b"\x80\x02csubprocess\nPopen\n)R.", "add_safe_globals([subprocess.Popen])"),
        (b"\x80\x02ctorch\nsave\n)R.", "GLOBAL torch.save was not an allowed global"),
        (b"\x80\x02ctorch.FloatStorage\n__init__\n)R.", "Unsupported global"),
        (b"\x80\x02]K\x01\x85R.", "Trying to call reduce for unrecognized function <class 'list'>"),
        (b"\x80\x02]}b.", "Can only build Tensor, Parameter, OrderedDict"),
        (b"\x80\x02i__main__\nX\n.", "Unsupported operand 105"),
        (b"\x80\x02X\x03\0\0\0abcQ.", "persistent_load id must be tuple or int"),
    ];
    for (bytes, expected) in cases {
        let error = unpickle(bytes).unwrap_err();
        assert!(error.starts_with("Weights only load failed") && error.contains(expected), "{error}, not {expected}");
    }
}

#[test]
fn damaged_pickles_are_errors() {
    let cases: [(&[u8], &str); 12] = [
        (b"", "truncated"),
        (b"\x80\x02N", "truncated"),
        (b"\x80\x02X\xff\xff\xff\xffabc", "truncated"),
        (b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\xff.", "truncated"),
        (b"\x80\x02\x8b\xff\xff\xff\xff.", "truncated"),
        (b"\x80\x02.", "stack underflow"),
        (b"\x80\x02N(a.", "stack underflow"),
        (b"\x80\x02h\x07.", "Memo value not found at index 7"),
        (b"\x80\x02t.", "could not find MARK"),
        (b"\x80\x02}(K\x01u.", "odd number of items"),
        (b"\x80\x02}]K\x01s.", "unhashable type: 'list'"),
        (b"\x80\x02X\x01\0\0\0\xff.", "not UTF-8"),
    ];
    for (bytes, expected) in cases {
        let error = unpickle(bytes).unwrap_err();
        assert!(error.contains(expected), "{bytes:?}: {error}, not {expected}");
    }
    assert_eq!(unpickle(b"\x80\x02}(K\x01K\x02\x88K\x03u.").unwrap(), Value::dict([(Value::Int(1), Value::Int(3))]));
}

#[test]
fn cycles_depth_and_bombs_are_refused() {
    assert!(unpickle(b"\x80\x02]q\0h\0a.").unwrap_err().contains("holds itself"));
    assert!(unpickle(b"\x80\x02}q\0X\x01\0\0\0ah\0s.").unwrap_err().contains("holds itself"));

    let nested = |depth: usize| {
        let mut bytes = b"\x80\x02N".to_vec();
        bytes.extend(std::iter::repeat_n(b"\x85", depth).flatten());
        bytes.push(b'.');
        bytes
    };
    unpickle(&nested(Value::MAX_DEPTH)).unwrap();
    assert!(unpickle(&nested(Value::MAX_DEPTH + 1)).unwrap_err().contains("nested more than"));
    assert!(unpickle(&nested(1_000_000)).unwrap_err().contains("nested more than"));

    // A hundred lists, each holding the one before twice.
    let mut bomb = b"\x80\x02N".to_vec();
    (0..100).for_each(|_| bomb.extend_from_slice(b"2\x86"));
    bomb.push(b'.');
    assert!(unpickle(&bomb).unwrap_err().contains("shared so often"));

    // A long list, turned into a set again and again by four bytes each.
    let mut copies = b"\x80\x02c__builtin__\nset\nq\x01](".to_vec();
    copies.extend(std::iter::repeat_n(b'N', 10_000));
    copies.extend_from_slice(b"e\x85q\x02");
    (0..100_000).for_each(|_| copies.extend_from_slice(b"h\x01h\x02R"));
    copies.push(b'.');
    assert!(unpickle(&copies).unwrap_err().contains("copies its values too often"));
}

#[test]
fn every_truncation_is_an_error() {
    for name in ["views.pt", "legacy.pt", "plain.npz"] {
        let whole = fixture(name);
        for len in 0..whole.len() {
            let part = whole[..len].to_vec();
            let result = match name {
                "plain.npz" => Archive::open(Source::memory(part)).map(|_| ()),
                _ => torch_file::from_bytes(part).map(|_| ()),
            };
            assert!(result.is_err(), "{name} cut to {len} of {} bytes was read", whole.len());
        }
    }
}

#[test]
fn altered_bytes_never_panic_and_seldom_pass() {
    for name in ["state_dict.pt", "legacy.pt", "compressed.npz", "f8_fortran.npy", "big_endian.npy"] {
        let whole = fixture(name);
        for at in 0..whole.len() {
            for flip in [0x01, 0x80, 0xFF] {
                let mut altered = whole.clone();
                altered[at] ^= flip;
                if name.ends_with("pt") {
                    if let Ok(file) = torch_file::from_bytes(altered) {
                        file.storages.iter().for_each(|s| drop(s.read()));
                    }
                } else if name.ends_with("npz") {
                    if let Ok(file) = flambeau_io::npz::Npz::from_source(Source::memory(altered)) {
                        file.names().iter().for_each(|n| drop(file.get(n).and_then(|a| a.read())));
                    }
                } else if let Ok(array) = npy::from_bytes(altered) {
                    drop(array.read());
                }
            }
        }
    }
    // The zip's checksum hides the pickle from the loop above; here it is altered by itself.
    let archive = Archive::open(Source::memory(fixture("values.pt"))).unwrap();
    let pickle = archive.read("values/data.pkl").unwrap();
    for at in 0..700 {
        for flip in 1..=255 {
            if (at + flip as usize).is_multiple_of(50) {
                let mut altered = pickle.clone();
                altered[at] ^= flip;
                drop(unpickle(&altered));
            }
        }
    }
    // One altered byte of a storage is seen when it is read.
    let mut altered = fixture("state_dict.pt");
    let file = torch_file::from_bytes(altered.clone()).unwrap();
    let bytes = file.storages[0].read().unwrap();
    let at = altered.windows(bytes.len()).position(|w| w == bytes).unwrap();
    altered[at] ^= 1;
    let file = torch_file::from_bytes(altered).unwrap();
    assert!(file.storages[0].read().unwrap_err().message().contains("does not match its checksum"));
}

#[test]
fn unsafe_names_and_doubles_are_refused() {
    for name in ["/etc/passwd", "x/../../y", "..\\x", "C:/x", ""] {
        let mut archive = ArchiveWriter::new(Vec::new(), Style::Stored);
        archive.add(name, &[b"data"]).unwrap();
        let error = Archive::open(Source::memory(archive.finish().unwrap())).unwrap_err();
        assert!(error.message().contains("unsafe name"), "{name}: {error}");
    }
    let mut archive = ArchiveWriter::new(Vec::new(), Style::Stored);
    archive.add("x/a", &[b"1"]).unwrap();
    archive.add("x/a", &[b"2"]).unwrap();
    let error = Archive::open(Source::memory(archive.finish().unwrap())).unwrap_err();
    assert!(error.message().contains("two entries are called 'x/a'"));
}

#[test]
fn overlapping_entries_are_refused() {
    let mut archive = ArchiveWriter::new(Vec::new(), Style::Stored);
    archive.add("x/a", &[b"11"]).unwrap();
    archive.add("x/b", &[b"22"]).unwrap();
    let mut file = archive.finish().unwrap();
    // The second directory entry is pointed at the first one's header.
    let second = file.windows(4).rposition(|w| w == b"PK\x01\x02").unwrap();
    file[second + 42..second + 46].fill(0);
    let error = Archive::open(Source::memory(file)).unwrap_err();
    assert!(error.message().contains("overlap"), "{error}");
}

#[test]
fn deflate_bombs_and_false_lengths_are_refused() {
    let zeros = vec![0u8; 1 << 20];
    let mut archive = ArchiveWriter::new(Vec::new(), Style::Deflated);
    archive.add("x/a", &[&zeros]).unwrap();
    let file = archive.finish().unwrap();
    assert_eq!(Archive::open(Source::memory(file.clone())).unwrap().read("x/a").unwrap(), zeros);

    let with_size = |size: u32| {
        let mut file = file.clone();
        let at = file.windows(4).rposition(|w| w == b"PK\x01\x02").unwrap();
        file[at + 24..at + 28].copy_from_slice(&size.to_le_bytes());
        Archive::open(Source::memory(file)).and_then(|a| a.read("x/a"))
    };
    assert!(with_size(100).unwrap_err().message().contains("inflates to more"));
    assert!(with_size((1 << 20) + 1).unwrap_err().message().contains("cannot be inflated"));

    assert!(with_size(u32::MAX - 1).unwrap_err().message().contains("can inflate to"));

    // Five entries that say they inflate to 1 GiB each, which their lengths would allow.
    let mut state = 1u64;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 56) as u8
    });
    let noise: Vec<u8> = noise.take(1_100_000).collect();
    let mut archive = ArchiveWriter::new(Vec::new(), Style::Deflated);
    (0..5).for_each(|i| archive.add(&format!("x/{i}"), &[&noise]).unwrap());
    let mut file = archive.finish().unwrap();
    let starts: Vec<usize> = (0..file.len() - 4).filter(|&i| file[i..].starts_with(b"PK\x01\x02")).collect();
    starts.iter().for_each(|&at| file[at + 24..at + 28].copy_from_slice(&(1u32 << 30).to_le_bytes()));
    let error = Archive::open(Source::memory(file)).unwrap_err();
    assert!(error.message().contains("compressed entries would take 5368709120 bytes"), "{error}");
}

#[test]
fn other_files_are_named_for_what_they_are() {
    assert_eq!(load_error(Vec::new()), "Ran out of input");
    assert!(load_error(b"plain text".to_vec()).contains("Unsupported operand 112"));
    assert_eq!(load_error(b"\x80\x02K\x01.".to_vec()), "Invalid magic number; corrupt file?");
    let record = |names: &[(&str, &[u8])]| {
        let mut archive = ArchiveWriter::new(Vec::new(), Style::Torch);
        names.iter().for_each(|(name, bytes)| archive.add(name, &[bytes]).unwrap());
        load_error(archive.finish().unwrap())
    };
    let version: (&str, &[u8]) = ("x/version", b"3\n");
    assert!(record(&[("data.pkl", b"N.")]).contains("file in archive is not in a subdirectory: data.pkl"));
    assert!(record(&[version]).contains("failed locating file x/data.pkl"));
    assert!(record(&[("x/data.pkl", b"N.")]).contains("failed locating file x/version"));
    assert!(
        record(&[("x/version", b"11\n")]).contains("version 11, but the maximum supported version for reading is 10")
    );
    assert!(record(&[version, ("x/byteorder", b"big")]).contains("big-endian"));
    assert!(record(&[version, ("x/constants.pkl", b"N.")]).contains("TorchScript"));
    let mut pickle = tensor_pickle(b"K\x04", b"K\0))");
    let key = pickle.windows(6).position(|w| w == b"X\x01\0\0\x000").unwrap() + 5;
    pickle[key] = b'7';
    assert!(load_error(checkpoint(&pickle)).contains("failed locating file data/7"));
}

#[test]
fn hostile_safetensors_and_npy_are_refused() {
    let file = |header: &str, data: usize| {
        let mut out = (header.len() as u64).to_le_bytes().to_vec();
        out.extend_from_slice(header.as_bytes());
        out.resize(out.len() + data, 0);
        safetensors::from_bytes(out)
    };
    assert!(file(r#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 8).is_ok());
    for (header, data) in [
        (r#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 4),
        (r#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 12),
        (r#"{"w":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#, 8),
        (r#"{"w":{"dtype":"F32","shape":[9223372036854775807,4],"data_offsets":[0,8]}}"#, 8),
        (r#"{"w":{"dtype":"F32","shape":[0,9223372036854775807,4],"data_offsets":[0,0]}}"#, 0),
        (r#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}"#, 16),
        (
            r#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}"#,
            6,
        ),
        (r#"["w"]"#, 0),
        (r#"{"w":"#, 0),
    ] {
        assert!(file(header, data).is_err(), "{header} with {data} bytes");
    }
    assert!(safetensors::from_bytes(u64::MAX.to_le_bytes().to_vec()).is_err());
    assert!(safetensors::from_bytes(vec![1, 2, 3]).is_err());

    let npy = |header: &str, data: usize| {
        let mut out = b"\x93NUMPY\x01\0".to_vec();
        out.extend_from_slice(&(header.len() as u16).to_le_bytes());
        out.extend_from_slice(header.as_bytes());
        out.resize(out.len() + data, 0);
        npy::from_bytes(out).map_err(|e| e.message().to_string())
    };
    assert!(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", 8).is_ok());
    for (header, expected) in [
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", "does not fit"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", "the shape holds"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 9223372036854775807, 9), }", "too large"),
        ("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", "Object arrays cannot be loaded"),
        ("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", "structured"),
        ("{'descr': '<f4', 'fortran_order': __import__('os'), 'shape': (1,), }", "neither True nor False"),
        ("{'descr': '<U7', 'fortran_order': False, 'shape': (1,), }", "can't convert np.ndarray of type"),
        ("{'descr", "a string without an end"),
        ("", "not a dictionary"),
    ] {
        let error = npy(header, 8).unwrap_err();
        assert!(error.contains(expected), "{error}, not {expected}");
    }
}
