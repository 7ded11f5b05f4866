//! Checkpoints that PyTorch wrote (see `fixtures/make.py`), read and written again.

use std::path::PathBuf;

use flambeau_io::pickle::Allowed;
use flambeau_io::{File, Source, TensorRecord, Value, torch_file};
use flambeau_types::{DType, ErrorKind, Result};

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn load(name: &str) -> File {
    torch_file::load(fixture(name)).unwrap()
}

/// A tensor's elements as raw bytes, in row-major order.
fn elements(file: &File, value: &Value) -> Vec<Vec<u8>> {
    let t = value.as_tensor().unwrap();
    let bytes = file.storages[t.storage].read().unwrap();
    let size = t.dtype.size() as i64;
    let mut starts = vec![t.offset];
    for (&n, &s) in t.sizes.iter().zip(&t.strides) {
        starts = starts.iter().flat_map(|&at| (0..n).map(move |i| at + i * s)).collect();
    }
    starts.iter().map(|&at| bytes[(at * size) as usize..((at + 1) * size) as usize].to_vec()).collect()
}

fn floats(file: &File, value: &Value) -> Vec<f32> {
    assert_eq!(value.as_tensor().unwrap().dtype, DType::F32);
    elements(file, value).into_iter().map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
}

fn resaved(file: &File, name: &str) -> Vec<u8> {
    let storages = file.storages.iter().map(|s| s.read()).collect::<Result<Vec<_>>>().unwrap();
    let storages: Vec<&[u8]> = storages.iter().map(Vec::as_slice).collect();
    torch_file::to_bytes(&file.root, &storages, name).unwrap()
}

#[test]
fn every_dtype_is_read() {
    let file = load("dtypes.pt");
    for dtype in DType::ALL {
        let value = file.root.get(dtype.name()).unwrap();
        let t = value.as_tensor().unwrap();
        assert_eq!((t.dtype, t.sizes.as_slice(), t.strides.as_slice()), (dtype, [3].as_slice(), [1].as_slice()));
    }
    let bytes = |name: &str| elements(&file, file.root.get(name).unwrap()).concat();
    assert_eq!(bytes("bool"), [0, 1, 1]);
    assert_eq!(bytes("int16"), [0, 0, 1, 0, 3, 0]);
    assert_eq!(bytes("bfloat16"), [0, 0, 0x80, 0x3f, 0x40, 0x40]);
    assert_eq!(bytes("float16"), [0, 0, 0x00, 0x3c, 0x00, 0x42]);
    assert_eq!(bytes("complex64")[8..16], [0, 0, 0x80, 0x3f, 0, 0, 0, 0]);
}

#[test]
fn views_share_their_storage() {
    let file = load("views.pt");
    let tensor = |name: &str| file.root.get(name).unwrap().as_tensor().unwrap();
    let base = tensor("base").storage;
    for name in ["transposed", "column", "scalar"] {
        assert_eq!(tensor(name).storage, base, "{name}");
    }
    assert_eq!(floats(&file, file.root.get("column").unwrap()), [1.0, 5.0, 9.0]);
    assert_eq!(floats(&file, file.root.get("transposed").unwrap())[..3], [0.0, 4.0, 8.0]);
    assert_eq!(floats(&file, file.root.get("scalar").unwrap()), [11.0]);
    assert!(tensor("scalar").sizes.is_empty());
    assert_eq!(tensor("expanded").strides, [0, 1]);
    assert_eq!(tensor("empty").sizes, [0, 2]);
    assert!(tensor("grad").requires_grad && !tensor("grad").is_parameter);
    assert!(tensor("conjugate").conj && !tensor("conjugate").neg);
    assert!(tensor("negated").neg && tensor("negated").dtype == DType::F32);
    let same = file.root.get("same").unwrap().as_slice().unwrap();
    assert_eq!(same[0].identity(), same[1].identity());
    assert_ne!(same[0].identity(), file.root.get("base").unwrap().identity());
}

#[test]
fn state_dicts_carry_their_metadata() {
    let file = load("state_dict.pt");
    let Value::OrderedDict(dict) = &file.root else { panic!("{:?}", file.root) };
    let names: Vec<_> = dict.items.iter().filter_map(|(k, _)| k.as_str()).collect();
    assert_eq!(names[..3], ["0.weight", "0.bias", "1.weight"]);
    assert_eq!(dict.items[0].1.as_tensor().unwrap().sizes, [3, 2]);
    let (key, metadata) = &dict.attributes[0];
    assert_eq!(key.as_str(), Some("_metadata"));
    assert_eq!(metadata.get("1").unwrap().get("version"), Some(&Value::Int(2)));
}

#[test]
fn optimizer_states_are_read() {
    let file = load("optimizer.pt");
    let optimizer = file.root.get("optimizer").unwrap();
    let state = optimizer.get("state").unwrap().items().unwrap();
    assert_eq!(state.len(), 4);
    assert_eq!(state[0].0, Value::Int(0));
    assert_eq!(floats(&file, state[0].1.get("step").unwrap()), [1.0]);
    let group = &optimizer.get("param_groups").unwrap().as_slice().unwrap()[0];
    assert_eq!(group.get("lr"), Some(&Value::Float(0.01)));
    assert_eq!(group.get("betas"), Some(&Value::tuple([Value::Float(0.9), Value::Float(0.999)])));
    assert_eq!(file.root.get("best"), Some(&Value::None));
}

#[test]
fn parameters_keep_flag_and_attributes() {
    let file = load("parameters.pt");
    let items = file.root.as_slice().unwrap();
    let (frozen, tagged, plain) = (&items[0], &items[1], &items[2]);
    assert!(frozen.as_tensor().unwrap().is_parameter && !frozen.as_tensor().unwrap().requires_grad);
    let attributes = tagged.as_tensor().unwrap().attributes.as_ref().unwrap();
    assert!(tagged.as_tensor().unwrap().is_parameter && tagged.as_tensor().unwrap().requires_grad);
    assert_eq!(attributes.get("tag").and_then(Value::as_str), Some("kept"));
    assert!(!plain.as_tensor().unwrap().is_parameter);
    assert_eq!(plain.as_tensor().unwrap().attributes.as_ref().unwrap().get("tag"), Some(&Value::Int(7)));
}

#[test]
fn plain_values_are_read() {
    let file = load("values.pt");
    let v = file.root.as_slice().unwrap();
    let two_to_the_63: &[u8] = &[0, 0, 0, 0, 0, 0, 0, 0x80, 0];
    assert_eq!(v[0], Value::Set(vec![Value::Int(1), Value::Int(2)].into()));
    assert_eq!(v[1], Value::Bytes(b"ab\xff".as_slice().into()));
    assert_eq!(v[2], Value::ByteArray(b"x".as_slice().into()));
    assert_eq!(v[4], Value::Complex(1.0, 2.0));
    assert_eq!(v[5], Value::Size([2, 3].into()));
    assert_eq!(v[6], Value::Dtype(DType::F32));
    assert_eq!(v[8], Value::Device("cuda:1".into()));
    let ints: Vec<_> = v[10..15].iter().map(|v| v.as_int().unwrap()).collect();
    assert_eq!(ints, [-1, 300, 70000, 1 << 40, -(1 << 31) - 1]);
    assert!(matches!(&v[15], Value::BigInt(b) if b.len() == 9 && b[8] == 0xC0));
    assert_eq!(v[16], Value::BigInt(two_to_the_63.into()));
    assert_eq!(v[18], Value::Float(f64::INFINITY));
    assert_eq!(v[21].as_str(), Some("h\u{e9}\u{4e16}"));
    assert_eq!(v[30].identity(), v[31].identity());
    assert!(matches!(&v[33], Value::Object(o) if &*o.class == "collections.Counter"));
    assert_eq!(v[34].as_slice().unwrap().len(), 1001);
    assert_eq!(v[35].items().unwrap()[1000].0, Value::Int(1000));
}

#[test]
fn what_is_read_is_written_byte_for_byte() {
    for name in ["dtypes", "views", "state_dict", "optimizer", "parameters", "values", "storage"] {
        let path = fixture(&format!("{name}.pt"));
        let ours = resaved(&torch_file::load(&path).unwrap(), name);
        let theirs = std::fs::read(path).unwrap();
        assert_eq!(ours.len(), theirs.len(), "{name}");
        // PyTorch's serialization id is a hash of its own: 40 digits, and their checksum before and in the directory.
        let differing: Vec<usize> = (0..ours.len()).filter(|&i| ours[i] != theirs[i]).collect();
        let id_at = theirs.windows(17).position(|w| w == b"serialization_id\x46").unwrap();
        assert!(differing.iter().all(|&i| i > id_at), "{name}: {differing:?} before {id_at}");
        assert!(differing.len() <= 48, "{name}: {} bytes differ", differing.len());
    }
}

#[test]
fn protocol_4_and_the_legacy_format_are_read() {
    let file = load("protocol4.pt");
    assert_eq!(elements(&file, file.root.get("w").unwrap()).concat(), [0, 0x44, 0, 0x45, 0, 0x46, 0, 0x47]);
    assert_eq!(file.root.get("b"), Some(&Value::Bytes([0, 255].as_slice().into())));
    assert_eq!(file.root.get("s"), Some(&Value::Set(vec![Value::Int(1), Value::Int(2)].into())));

    let from_path = load("legacy.pt");
    let from_memory = torch_file::from_bytes(std::fs::read(fixture("legacy.pt")).unwrap()).unwrap();
    for file in [from_path, from_memory] {
        assert_eq!(floats(&file, file.root.get("row").unwrap()), [4.0, 5.0, 6.0, 7.0]);
        let storage = |name: &str| file.root.get(name).unwrap().as_tensor().unwrap().storage;
        assert_eq!(storage("w"), storage("row"));
        assert_eq!(elements(&file, file.root.get("n").unwrap()).concat(), 7i64.to_le_bytes());
    }
}

#[test]
fn mapped_files_give_their_bytes_in_place() {
    // SAFETY: nobody writes to the fixtures.
    let source = unsafe { Source::map(fixture("views.pt"), false).unwrap() };
    let file = torch_file::from_source(source, &Allowed::default()).unwrap();
    let storage = &file.storages[file.root.get("base").unwrap().as_tensor().unwrap().storage];
    assert_eq!(storage.record.slice().unwrap(), storage.read().unwrap());
    let (_, offset) = storage.record.mapping().unwrap();
    assert_eq!(offset % 64, 0);
}

#[test]
fn classes_are_refused_by_name_unless_allowed() {
    let error = torch_file::load(fixture("attack.pt")).unwrap_err();
    assert!(error.message().contains("Trying to load unsupported GLOBAL posix.system whose module posix is blocked"));
    assert!(flambeau_io::pickle::is_unpickling_error(&error));
    // Not even when the caller allows it.
    assert!(torch_file::load_with(fixture("attack.pt"), &Allowed::new(["posix.system"])).is_err());

    let error = torch_file::load(fixture("module.pt")).unwrap_err();
    let expected = "Unsupported global: GLOBAL torch.nn.modules.linear.Linear was not an allowed global by default. Please use \
                    `torch.serialization.add_safe_globals([torch.nn.modules.linear.Linear])`";
    assert!(error.message().contains(expected), "{error}");
    let file = torch_file::load_with(fixture("module.pt"), &Allowed::new(["torch.nn.modules.linear.Linear"])).unwrap();
    let Value::Object(module) = &file.root else { panic!("{:?}", file.root) };
    let state = module.state.as_ref().unwrap();
    assert_eq!(state.get("in_features"), Some(&Value::Int(1)));
    let weight = state.get("_parameters").unwrap().get("weight").unwrap();
    assert!(weight.as_tensor().unwrap().is_parameter);
}

#[test]
fn writing_refuses_what_pytorch_refuses() {
    let bytes: &[u8] = &[0; 8];
    let as_f32 = Value::tensor(TensorRecord::contiguous(0, DType::F32, &[2]));
    let as_i32 = Value::tensor(TensorRecord::contiguous(0, DType::I32, &[2]));
    let error = torch_file::to_bytes(&Value::list([as_f32.clone(), as_i32]), &[bytes], "x").unwrap_err();
    assert!(
        error
            .message()
            .starts_with("Cannot save multiple tensors or storages that view the same data as different types")
    );
    let outside = Value::tensor(TensorRecord::contiguous(0, DType::F32, &[3]));
    assert!(
        torch_file::to_bytes(&outside, &[bytes], "x")
            .unwrap_err()
            .message()
            .contains("out of bounds for storage of size 8")
    );
    assert!(torch_file::to_bytes(&as_f32, &[b""; 0], "x").is_err());
    let mut deep = Value::None;
    for _ in 0..Value::MAX_DEPTH + 1 {
        deep = Value::list([deep]);
    }
    assert!(torch_file::to_bytes(&deep, &[b""; 0], "x").unwrap_err().message().contains("nested"));
}

#[test]
fn saving_replaces_a_file_whole_or_not_at_all() {
    let folder = std::env::temp_dir().join(format!("flambeau-io-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("net.pt");
    torch_file::save(&path, &Value::Int(1), &[b""; 0]).unwrap();
    let broken = Value::tensor(TensorRecord::contiguous(0, DType::F32, &[3]));
    torch_file::save(&path, &broken, &[b""; 0]).unwrap_err();
    assert_eq!(torch_file::load(&path).unwrap().root, Value::Int(1));
    torch_file::save_with(&path, &Value::Int(2), &[b""; 0], false).unwrap();
    assert_eq!(torch_file::load(&path).unwrap().root, Value::Int(2));
    // Nothing is left behind.
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
    std::fs::remove_dir_all(&folder).unwrap();

    let error = torch_file::save(folder.join("net.pt"), &Value::None, &[b""; 0]).unwrap_err();
    assert!(error.message().starts_with("Parent directory ") && error.message().ends_with(" does not exist."));
    let error = torch_file::load(folder.join("net.pt")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.message().starts_with("[Errno 2] No such file or directory: '"));
}

#[test]
fn the_legacy_format_is_written() {
    for name in ["state_dict.pt", "values.pt", "views.pt", "parameters.pt", "legacy.pt"] {
        let file = torch_file::load(fixture(name)).unwrap();
        let storages: Vec<Vec<u8>> = file.storages.iter().map(|s| s.read().unwrap()).collect();
        let lent: Vec<&[u8]> = storages.iter().map(Vec::as_slice).collect();
        let mut legacy = torch_file::write_legacy(Vec::new(), &file.root, &lent).unwrap();
        let len = legacy.len() as u64;
        legacy.extend_from_slice(b"something else follows");
        let back = torch_file::from_bytes(legacy).unwrap();
        assert_eq!((back.len, back.zip), (len, false));
        assert_eq!(back.storages.len(), file.storages.len(), "{name}");
        // Storages are read in the order of their keys as text; the first that a value names is the first here too.
        for (ours, bytes) in back.storages.iter().zip(&storages) {
            assert_eq!(&ours.read().unwrap(), bytes, "{name}");
        }
        assert_eq!(back.root, file.root, "{name}");
    }
}

#[test]
fn several_archives_in_a_file_are_read_one_after_another() {
    let one = |n: i64| torch_file::to_bytes(&Value::list(vec![Value::Int(n); 30]), &[b""; 0], "x").unwrap();
    let bytes = [one(1), one(2), one(3)].concat();
    let mut at = 0;
    for n in 1..=3 {
        let source = Source::memory(bytes.clone()).skip(at);
        let file = torch_file::from_source(source, &Allowed::default()).unwrap();
        assert_eq!(file.root, Value::list(vec![Value::Int(n); 30]));
        assert!(file.zip);
        at += file.len;
    }
    assert_eq!(at, bytes.len() as u64);
}

#[test]
fn the_names_of_a_pickle_are_listed() {
    let names = |name: &str| {
        let pickle = torch_file::pickle_of(Source::open(fixture(name)).unwrap()).unwrap();
        flambeau_io::pickle::globals_in(&pickle).unwrap().into_iter().collect::<Vec<_>>()
    };
    assert_eq!(names("attack.pt"), ["posix.system"]);
    assert!(names("module.pt").contains(&"torch.nn.modules.linear.Linear".to_string()));
    let wanted = ["collections.OrderedDict", "torch.HalfStorage", "torch._utils._rebuild_tensor_v2"];
    assert_eq!(names("protocol4.pt"), wanted);
    assert!(torch_file::pickle_of(Source::open(fixture("legacy.pt")).unwrap()).is_err());
}
