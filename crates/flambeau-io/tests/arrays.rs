//! npy, npz and safetensors.

use std::path::PathBuf;

use flambeau_io::npz::{self, ArrayRef, Npz};
use flambeau_io::safetensors::{self, TensorRef};
use flambeau_io::{Source, npy};
use flambeau_types::DType;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

#[test]
fn numpy_files_are_read_and_written_alike() {
    let array = npy::load(fixture("f8_fortran.npy")).unwrap();
    assert_eq!((array.dtype, array.sizes.as_slice(), array.strides()), (DType::F64, [2, 3].as_slice(), vec![1, 2]));
    let bytes = array.read().unwrap();
    let values: Vec<f64> = bytes.chunks(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect();
    assert_eq!(values, [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
    let mut ours = Vec::new();
    npy::write(&mut ours, array.dtype, &array.sizes, true, &bytes).unwrap();
    assert_eq!(ours, std::fs::read(fixture("f8_fortran.npy")).unwrap());

    let swapped = npy::load(fixture("big_endian.npy")).unwrap();
    assert_eq!(swapped.read().unwrap(), [1i32, 256, -2].map(i32::to_le_bytes).concat());
    assert!(npy::load(fixture("objects.npy")).unwrap_err().message().starts_with("Object arrays cannot be loaded"));
}

#[test]
fn archives_of_numpy_are_read_and_written() {
    let plain = Npz::open(fixture("plain.npz")).unwrap();
    assert_eq!(plain.names(), ["a", "b"]);
    assert_eq!(plain.get("a").unwrap().read().unwrap(), [0, 0, 1, 0, 2, 0]);
    assert!(plain.get("b").unwrap().sizes.is_empty());
    assert_eq!(plain.get("b").unwrap().read().unwrap(), 2.5f64.to_le_bytes());
    assert!(plain.get("c").unwrap_err().message().contains("c is not a file in the archive"));
    let packed = Npz::open(fixture("compressed.npz")).unwrap();
    assert_eq!(packed.get("a").unwrap().sizes, [4, 5]);
    assert_eq!(packed.get("c").unwrap().dtype, DType::C128);

    let elements: Vec<u8> = (0..200).map(|i| (i / 50) as u8).collect();
    let array = ArrayRef { name: "x", dtype: DType::F32, sizes: &[5, 10], fortran_order: true, elements: &elements };
    for compressed in [false, true] {
        let file = npz::write(Vec::new(), &[array], compressed).unwrap();
        assert_eq!(file.len() < 350, compressed);
        let back = Npz::from_source(Source::memory(file)).unwrap().get("x").unwrap();
        assert_eq!((back.strides(), back.read().unwrap()), (vec![1, 5], elements.clone()));
    }
    assert!(npz::write(Vec::new(), &[array, array], false).is_err());
}

#[test]
fn every_dtype_goes_through_npy() {
    for dtype in DType::ALL {
        let elements = vec![1u8; dtype.size() * 2];
        let mut file = Vec::new();
        let written = npy::write(&mut file, dtype, &[2, 1], false, &elements);
        if dtype == DType::BF16 {
            assert_eq!(written.unwrap_err().message(), "Got unsupported ScalarType BFloat16");
            continue;
        }
        written.unwrap();
        assert_eq!(file.len() % 64, elements.len() % 64);
        let back = npy::from_bytes(file).unwrap();
        assert_eq!((back.dtype, back.read().unwrap()), (dtype, elements));
    }
    assert!(npy::write(Vec::new(), DType::F32, &[3], false, &[0; 8]).is_err());
}

#[test]
fn safetensors_order_by_width_and_come_back() {
    let narrow = TensorRef { name: "a", dtype: DType::BF16, sizes: &[1], bytes: &[1, 2] };
    let wide = TensorRef { name: "z", dtype: DType::F64, sizes: &[], bytes: &[0, 1, 2, 3, 4, 5, 6, 7] };
    let empty = TensorRef { name: "e", dtype: DType::F32, sizes: &[0, 4], bytes: &[] };
    let mut file = Vec::new();
    safetensors::write(&mut file, &[narrow, wide, empty], &[("format", "pt")]).unwrap();
    let header_len = u64::from_le_bytes(file[..8].try_into().unwrap());
    assert_eq!(header_len % 8, 0);
    let back = safetensors::from_bytes(file).unwrap();
    let names: Vec<_> = back.tensors.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["z", "e", "a"]);
    assert_eq!(back.get("a").unwrap().record.read().unwrap(), [1, 2]);
    assert_eq!(back.get("z").unwrap().record.read().unwrap(), wide.bytes);
    assert_eq!(back.get("e").unwrap().sizes, [0, 4]);
    assert_eq!(back.metadata.get("format").map(String::as_str), Some("pt"));

    assert!(safetensors::write(Vec::new(), &[narrow, narrow], &[]).is_err());
    let short = TensorRef { sizes: &[2], ..narrow };
    assert!(safetensors::write(Vec::new(), &[short], &[]).is_err());
    let complex = TensorRef { name: "c", dtype: DType::C128, sizes: &[0], bytes: &[] };
    assert!(safetensors::write(Vec::new(), &[complex], &[]).unwrap_err().message().contains("complex128"));
}
