//! Printed tensors against texts recorded from PyTorch, to the character.

use flambeau_tensor::print::{Class, Grad, PrintOptions, Source, Suffix, format_tensor_with};
use flambeau_types::{Complex, Complex32, Complex64, DType, Device, Element, Scalar, bf16, f16};

/// Elements in row-major order.
struct Values {
    dtype: DType,
    sizes: Vec<i64>,
    values: Vec<Scalar>,
}

impl Source for Values {
    fn dtype(&self) -> DType {
        self.dtype
    }

    fn sizes(&self) -> &[i64] {
        &self.sizes
    }

    fn get(&self, index: &[i64]) -> Scalar {
        let place = index.iter().zip(&self.sizes).fold(0, |place, (i, n)| place * n + i);
        self.values[place as usize]
    }
}

/// The number as an element of the dtype holds it.
fn held(dtype: DType, v: Scalar) -> Scalar {
    match dtype {
        DType::Bool => bool::from_scalar(v).to_scalar(),
        DType::U8 => u8::from_scalar(v).to_scalar(),
        DType::I8 => i8::from_scalar(v).to_scalar(),
        DType::I16 => i16::from_scalar(v).to_scalar(),
        DType::I32 => i32::from_scalar(v).to_scalar(),
        DType::I64 => i64::from_scalar(v).to_scalar(),
        DType::F16 => f16::from_scalar(v).to_scalar(),
        DType::BF16 => bf16::from_scalar(v).to_scalar(),
        DType::F32 => f32::from_scalar(v).to_scalar(),
        DType::F64 => f64::from_scalar(v).to_scalar(),
        DType::C64 => Complex32::from_scalar(v).to_scalar(),
        DType::C128 => Complex64::from_scalar(v).to_scalar(),
    }
}

fn parse(text: &str) -> Scalar {
    match text {
        "True" => Scalar::Bool(true),
        "False" => Scalar::Bool(false),
        _ => match text.split_once(';') {
            Some((re, im)) => Scalar::Complex(Complex::new(re.parse().unwrap(), im.parse().unwrap())),
            None => text.parse().map_or_else(|_| Scalar::Float(text.parse().unwrap()), Scalar::Int),
        },
    }
}

fn data(text: &str, dtype: DType, n: usize) -> Vec<Scalar> {
    let (kind, list) = text.split_once(':').unwrap();
    let parts = || list.split(',').filter(|p| !p.is_empty());
    if kind == "list" {
        return parts().map(|p| held(dtype, parse(p))).collect();
    }
    let p: Vec<f64> = parts().map(|p| p.parse().unwrap()).collect();
    let real = |i: usize| ((i * p[0] as usize + p[1] as usize) % p[2] as usize) as f64 * p[3] + p[4];
    let value = |i: usize| match dtype.is_complex() {
        true => Scalar::Complex(Complex::new(real(i), -real(n - 1 - i) * 0.5)),
        false => Scalar::Float(real(i)),
    };
    (0..n).map(|i| held(dtype, value(i))).collect()
}

fn dtype(name: &str) -> DType {
    DType::ALL.into_iter().find(|d| d.name() == name).unwrap()
}

fn printed(case: &str) -> String {
    let words: Vec<&str> = case.split(' ').collect();
    let dtype_ = dtype(words[0]);
    let sizes: Vec<i64> = words[1].split(',').filter(|s| *s != "-").map(|s| s.parse().unwrap()).collect();
    let n = sizes.iter().product::<i64>() as usize;
    let values = Values { dtype: dtype_, values: data(words[2], dtype_, n), sizes };
    let (mut options, mut suffix) = (PrintOptions::default(), Suffix::default());
    for (key, value) in words[3..].iter().map(|w| w.split_once('=').unwrap()) {
        match key {
            "precision" => options.precision = value.parse().unwrap(),
            "threshold" => options.threshold = value.parse().unwrap(),
            "edgeitems" => options.edgeitems = value.parse().unwrap(),
            "linewidth" => options.linewidth = value.parse().unwrap(),
            "sci_mode" => options.sci_mode = Some(value == "true"),
            "default" => suffix.default_dtype = dtype(value),
            "device" => suffix.device = Device::Meta,
            "class" => suffix.class = if value == "Parameter" { Class::Parameter } else { Class::Named(value) },
            "grad" => suffix.grad = if value == "required" { Grad::Required } else { Grad::Node(value) },
            _ => panic!("{key}"),
        }
    }
    format_tensor_with(&values, &suffix, &options)
}

#[test]
fn texts_are_those_recorded() {
    let recorded = include_str!("fixtures/print.txt");
    let mut count = 0;
    let mut wrong = vec![];
    let mut lines = recorded.lines().filter(|l| !l.starts_with('#')).peekable();
    while let Some(line) = lines.next() {
        let case = line.strip_prefix("case ").unwrap();
        let mut text: Vec<&str> = vec![];
        while let Some(next) = lines.next_if(|l| !l.starts_with("case ")) {
            text.push(next.strip_prefix("| ").unwrap_or(""));
        }
        let (expected, got) = (text.join("\n"), printed(case));
        if got != expected {
            wrong.push(format!("{case}\nexpected\n{expected}\ngot\n{got}\n"));
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "{} of {count} differ\n{}", wrong.len(), wrong[..wrong.len().min(8)].join("\n"));
    assert!(count > 300);
}

#[test]
fn only_what_is_shown_is_read() {
    struct Counting(std::cell::Cell<usize>);
    impl Source for Counting {
        fn dtype(&self) -> DType {
            DType::F32
        }
        fn sizes(&self) -> &[i64] {
            &[1 << 20, 1 << 20]
        }
        fn get(&self, _: &[i64]) -> Scalar {
            self.0.set(self.0.get() + 1);
            Scalar::Float(1.0)
        }
    }
    let source = Counting(Default::default());
    let text = format_tensor_with(&source, &Suffix::default(), &PrintOptions::default());
    assert!(text.starts_with("tensor([[1., 1., 1.,  ..., 1., 1., 1.],\n"), "{text}");
    assert_eq!(source.0.get(), 36);
}
