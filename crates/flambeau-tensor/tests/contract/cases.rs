//! The samples of every operator as calls, and what the properties compare them with.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, OnceLock};

use flambeau_tensor::dispatch::call;
use flambeau_tensor::ops::{Arg, Args, Body, OPERATORS, OpDef, Options, Outputs, Quirk};
use flambeau_tensor::{DType, MemoryFormat, Result, Tensor, default_generator, manual_seed};

/// One sample of one operator.
pub struct Case {
    pub op: &'static OpDef,
    pub args: Args,
    pub prepare: Option<fn(&Tensor) -> Result<Tensor>>,
    /// The outputs have values that another call gives again.
    pub determined: bool,
    pub gradcheck: bool,
    /// The operator draws random numbers.
    pub random: bool,
    pub name: String,
}

impl Case {
    /// Begins the stream of random numbers again, for operators that draw from it.
    pub fn seed(&self) {
        if self.random {
            manual_seed(7);
        }
    }

    /// Runs it on fresh copies, so that what writes its arguments changes no sample. Random numbers begin at a seed.
    pub fn run(&self, args: &Args) -> Result<Outputs> {
        self.seed();
        call(self.op, &fresh(args))
    }

    /// It lays out memory by strides that it is given, or reads those of its input.
    pub fn is_about_memory(&self) -> bool {
        let has = |name: &str| self.op.params.iter().any(|p| p.name == name);
        has("size") && has("stride")
    }

    /// How many of its outputs are on `meta` what they are with data.
    pub fn comparable_on_meta(&self) -> usize {
        if self.op.has(Quirk::MetaAsGpu) { 1 } else { usize::MAX }
    }
}

/// The sample's arguments, with defaults for what it leaves out.
fn full(op: &OpDef, given: &[Arg]) -> Args {
    let mut args: Args = given.iter().cloned().collect();
    for p in op.params.get(args.len()..).unwrap_or_default() {
        args.push(p.default.map_or(Arg::None, |(make, _)| make()));
    }
    if op.factory && args.len() == op.params.len() {
        args.push(Arg::from(Options::default()));
    }
    args
}

/// The arguments with every tensor replaced.
pub fn mapped(args: &Args, f: &mut impl FnMut(&Tensor) -> Tensor) -> Args {
    let mut out = args.clone();
    for a in &mut out {
        a.map_tensors(&mut |t| Ok(f(t))).unwrap();
    }
    out
}

/// The arguments in memory of their own.
pub fn fresh(args: &Args) -> Args {
    mapped(args, &mut |t| {
        let own = t.detach();
        if own.layout().is_dense() { own.clone_tensor().unwrap() } else { scattered(&own) }
    })
}

/// All tensors among the arguments.
pub fn tensors(args: &Args) -> Vec<Tensor> {
    let mut list = Vec::new();
    args.iter().for_each(|a| a.each_tensor(&mut |t| list.push(t.clone())));
    list
}

/// A copy of a tensor that lies in memory with gaps and in another order.
pub fn scattered(t: &Tensor) -> Tensor {
    let sizes: Vec<i64> = t.size().iter().rev().map(|n| n * 2).collect();
    let mut view = flambeau_tensor::ops::zeros_with(&sizes, Options::like(t)).unwrap();
    for d in 0..t.dim() as i64 {
        view = view.slice(d, 0, i64::MAX, 2).unwrap();
    }
    let view = view.transposed().unwrap();
    view.copy_(t).unwrap();
    view
}

/// A copy of a tensor whose elements lie next to each other, the first dimension the fastest.
pub fn turned(t: &Tensor) -> Tensor {
    t.transposed().unwrap().clone_in(MemoryFormat::Contiguous).unwrap().transposed().unwrap()
}

/// Fails unless the outputs have the same shapes, dtypes and, if `values`, elements (to rounding).
pub fn same(a: &[Tensor], b: &[Tensor], values: bool, what: &str) {
    assert_eq!(a.len(), b.len(), "{what}: number of outputs");
    for (x, y) in a.iter().zip(b) {
        assert_eq!((x.size(), x.dtype()), (y.size(), y.dtype()), "{what}: shape or dtype");
        if values {
            let wide = |t: &Tensor| t.detach().to_dtype(DType::C128).unwrap();
            let close = wide(x).isclose_with(&wide(y), 1e-10, 1e-12, true).unwrap();
            assert!(close.all().unwrap().item().unwrap().to_bool(), "{what}: {x} and {y}");
        }
    }
}

/// Operators that draw from the default stream must not do so at once.
static STREAM: Mutex<()> = Mutex::new(());

/// Whether each operator draws random numbers: it moves the stream.
fn draws(op: &'static OpDef) -> bool {
    static KNOWN: OnceLock<Vec<bool>> = OnceLock::new();
    let known = KNOWN.get_or_init(|| {
        let _alone = STREAM.lock().unwrap_or_else(|e| e.into_inner());
        let moves = |op: &'static OpDef| {
            op.samples.map(|s| s()).unwrap_or_default().iter().any(|sample| {
                manual_seed(7);
                let before = default_generator().state();
                let run = || call(op, &fresh(&full(op, &sample.args))).is_ok();
                catch_unwind(AssertUnwindSafe(run)).is_ok() && before != default_generator().state()
            })
        };
        OPERATORS.iter().map(|&op| moves(op)).collect()
    });
    let at = OPERATORS.iter().position(|o| std::ptr::eq(*o, op)).unwrap();
    known[at]
}

/// Runs `f` on every sample of every operator, and reports all that fail together.
pub fn each(f: impl Fn(&Case)) {
    let mut failed = Vec::new();
    for &op in OPERATORS {
        let random = draws(op);
        let _alone = random.then(|| STREAM.lock().unwrap_or_else(|e| e.into_inner()));
        for (i, sample) in op.samples.map(|s| s()).unwrap_or_default().into_iter().enumerate() {
            let dot = if op.overload.is_empty() { "" } else { "." };
            let case = Case {
                op,
                args: full(op, &sample.args),
                prepare: sample.prepare,
                determined: !sample.unset,
                gradcheck: !sample.without_gradcheck,
                random,
                name: format!("{}{dot}{} sample {i}", op.name, op.overload),
            };
            if catch_unwind(AssertUnwindSafe(|| f(&case))).is_err() {
                failed.push(case.name);
            }
        }
    }
    assert!(failed.is_empty(), "{} samples fail: {failed:#?}", failed.len());
}

/// True for operators that write their first argument.
pub fn writes(op: &OpDef) -> bool {
    matches!(op.body, Body::Mutate { .. })
}
