//! Layers against what PyTorch 2.15's draw, print and compute; `record.py` wrote the records.

use std::collections::HashMap;
use std::path::Path;

use flambeau::nn::*;
use flambeau::{DType, Result, Tensor, load, manual_seed, ops, tensor};

/// A case by name.
type Case = (&'static str, fn() -> Result<Ran>);

/// A layer, and the outputs that it computed.
type Ran = (Box<dyn Module>, Vec<Tensor>);

fn ran(module: impl Module + 'static, outputs: Vec<Tensor>) -> Result<Ran> {
    Ok((Box::new(module), outputs))
}

/// A layer of one tensor.
fn one(layer: impl Forward + 'static, input: impl FnOnce() -> Result<Tensor>) -> Result<Ran> {
    let y = layer.forward(&input()?)?;
    ran(layer, vec![y])
}

fn randn(sizes: &[i64]) -> Result<Tensor> {
    ops::randn(sizes)
}

/// A leaf that wants a gradient.
fn leaf(sizes: &[i64]) -> Result<Tensor> {
    randn(sizes)?.requires_grad_(true)
}

fn cases() -> Vec<Case> {
    vec![
        ("Linear", || one(Linear::new(3, 4)?, || randn(&[5, 3]))),
        ("Bilinear", || {
            let m = Bilinear::new(2, 3, 4)?;
            let y = m.forward(&randn(&[5, 2])?, &randn(&[5, 3])?)?;
            ran(m, vec![y])
        }),
        ("Conv1d", || {
            let options = Conv1dOptions {
                stride: 2.into(),
                padding: 1.into(),
                dilation: 2.into(),
                groups: 2,
                ..Default::default()
            };
            one(Conv1d::with(4, 6, 3, options)?, || randn(&[2, 4, 11]))
        }),
        ("Conv2d", || {
            let options = Conv2dOptions { padding: Padding::Same, bias: false, ..Default::default() };
            one(Conv2d::with(2, 3, (3, 2), options)?, || randn(&[2, 2, 5, 6]))
        }),
        ("Conv2dReflect", || {
            let options =
                Conv2dOptions { padding: (1, 2).into(), padding_mode: PaddingMode::Reflect, ..Default::default() };
            one(Conv2d::with(2, 3, 3, options)?, || randn(&[2, 2, 5, 6]))
        }),
        ("Conv3d", || {
            one(Conv3d::with(2, 3, 2, Conv3dOptions { stride: 2.into(), ..Default::default() })?, || {
                randn(&[2, 2, 4, 5, 6])
            })
        }),
        ("ConvTranspose1d", || {
            let options = ConvTransposeOptions { stride: 2.into(), output_padding: 1.into(), ..Default::default() };
            one(ConvTranspose1d::with(4, 2, 3, options)?, || randn(&[2, 4, 5]))
        }),
        ("ConvTranspose2d", || {
            let options = ConvTransposeOptions { stride: 2.into(), padding: 1.into(), groups: 2, ..Default::default() };
            one(ConvTranspose2d::with(4, 2, 4, options)?, || randn(&[2, 4, 3, 3]))
        }),
        ("ConvTranspose3d", || {
            let options = ConvTransposeOptions { dilation: 2.into(), ..Default::default() };
            one(ConvTranspose3d::with(2, 2, 2, options)?, || randn(&[1, 2, 3, 3, 3]))
        }),
        ("MaxPool1d", || {
            let options = MaxPoolOptions { stride: Some(2.into()), padding: 1.into(), ..Default::default() };
            one(MaxPool1d::with(3, options), || randn(&[2, 3, 8]))
        }),
        ("MaxPool2d", || {
            let options = MaxPoolOptions { ceil_mode: true, ..Default::default() };
            one(MaxPool2d::with((3, 2), options), || randn(&[2, 3, 8, 7]))
        }),
        ("MaxPool3d", || one(MaxPool3d::new(2), || randn(&[1, 2, 4, 4, 5]))),
        ("AvgPool1d", || {
            one(AvgPool1d::with(3, AvgPoolOptions { padding: 1.into(), ..Default::default() }), || randn(&[2, 3, 8]))
        }),
        ("AvgPool2d", || {
            let options = AvgPoolOptions {
                stride: Some(2.into()),
                padding: 1.into(),
                count_include_pad: false,
                ..Default::default()
            };
            one(AvgPool2d::with(3, options), || randn(&[2, 3, 8, 7]))
        }),
        ("AvgPool3d", || one(AvgPool3d::new(2), || randn(&[1, 2, 4, 4, 5]))),
        ("LPPool2d", || one(LPPool::<2>::new(2.0, 2)?, || randn(&[1, 2, 4, 4]))),
        ("AdaptiveAvgPool2d", || one(AdaptiveAvgPool2d::new((3, 2)), || randn(&[2, 3, 8, 7]))),
        ("AdaptiveMaxPool1d", || one(AdaptiveMaxPool1d::new(3), || randn(&[2, 3, 8]))),
        ("BatchNorm1d", || one(BatchNorm1d::new(3)?, || randn(&[4, 3]))),
        ("BatchNorm2d", || {
            let m = BatchNorm2d::with(3, BatchNormOptions { momentum: None, ..Default::default() })?;
            let outputs = vec![m.forward(&randn(&[4, 3, 2, 2])?)?, m.forward(&randn(&[4, 3, 2, 2])?)?];
            ran(m, outputs)
        }),
        ("BatchNorm3d", || {
            let m = BatchNorm3d::with(2, BatchNormOptions { affine: false, ..Default::default() })?;
            let trained = m.forward(&randn(&[2, 2, 2, 2, 2])?)?;
            m.eval();
            let used = m.forward(&randn(&[2, 2, 2, 2, 2])?)?;
            ran(m, vec![trained, used])
        }),
        ("InstanceNorm2d", || one(InstanceNorm2d::with(3, 1e-5, true)?, || randn(&[2, 3, 4, 4]))),
        ("LayerNorm", || one(LayerNorm::new(&[2, 3])?, || randn(&[4, 2, 3]))),
        ("RMSNorm", || one(RMSNorm::new(&[6])?, || randn(&[4, 6]))),
        ("GroupNorm", || one(GroupNorm::new(2, 6)?, || randn(&[2, 6, 4]))),
        ("LocalResponseNorm", || one(LocalResponseNorm::new(3), || randn(&[2, 5, 4, 4]))),
        ("PReLU", || one(PReLU::new(3)?, || randn(&[2, 3, 4]))),
        ("Hardtanh", || one(Hardtanh { min_val: -0.5, max_val: 0.5 }, || randn(&[2, 3]))),
        ("Softplus", || one(Softplus { beta: 2.0, ..Default::default() }, || randn(&[2, 3]))),
        ("CELU", || one(CELU { alpha: 1.5 }, || randn(&[2, 3]))),
        ("GLU", || one(GLU::default(), || randn(&[2, 6]))),
        ("Mish", || one(Mish, || randn(&[2, 3]))),
        ("Threshold", || one(Threshold { threshold: 0.1, value: 20.0 }, || randn(&[2, 3]))),
        ("Dropout", || one(Dropout::new(0.3)?, || randn(&[40]))),
        ("Dropout2d", || one(Dropout2d::new(0.5)?, || randn(&[2, 6, 2, 2]))),
        ("AlphaDropout", || one(AlphaDropout::new(0.4)?, || randn(&[40]))),
        ("Embedding", || one(Embedding::with_padding(5, 3, -1)?, || Ok(tensor![[0, 4], [2, 2]]))),
        ("EmbeddingBag", || {
            let m = EmbeddingBag::new(5, 3, BagMode::Mean)?;
            let y = m.forward_at(&tensor![0, 4, 2, 2, 1], &tensor![0, 3])?;
            ran(m, vec![y])
        }),
        ("ReflectionPad2d", || one(Pad::<2>::new(1, PaddingMode::Reflect), || randn(&[1, 2, 3, 3]))),
        ("ConstantPad1d", || one(Pad::with_sides([(1, 2)], PaddingMode::Zeros).filled_with(3.5), || randn(&[1, 2, 3]))),
        ("Upsample", || one(Upsample::by(2.0, Interpolation::Nearest), || randn(&[1, 2, 3, 3]))),
        ("UpsampleBilinear", || one(Upsample::to(&[5, 4], Interpolation::Linear), || randn(&[1, 2, 3, 3]))),
        ("PixelShuffle", || one(PixelShuffle { upscale_factor: 2 }, || randn(&[2, 8, 3, 2]))),
        ("PixelUnshuffle", || one(PixelUnshuffle { downscale_factor: 2 }, || randn(&[2, 2, 4, 6]))),
        ("Unfold", || {
            one(Unfold::with((2, 3), FoldOptions { padding: 1.into(), ..Default::default() }), || randn(&[1, 2, 4, 4]))
        }),
        ("Fold", || {
            let options = FoldOptions { stride: 2.into(), ..Default::default() };
            one(Fold::with((4, 4), 2, options), || randn(&[1, 8, 4]))
        }),
        ("RNN", || {
            let m = RNN::with(3, 4, RNNOptions { relu: true, ..Default::default() })?;
            let (y, h) = m.forward(&randn(&[5, 2, 3])?, None)?;
            ran(m, vec![y, h])
        }),
        ("LSTM", || {
            let options = RNNOptions {
                num_layers: 2,
                bidirectional: true,
                batch_first: true,
                proj_size: 2,
                ..Default::default()
            };
            let m = LSTM::with(3, 4, options)?;
            let (y, (h, c)) = m.forward(&randn(&[2, 5, 3])?, None)?;
            ran(m, vec![y, h, c])
        }),
        ("GRU", || {
            let m = GRU::with(3, 4, RNNOptions { num_layers: 2, dropout: 0.5, ..Default::default() })?;
            let (y, h) = m.forward(&randn(&[5, 2, 3])?, Some(&randn(&[2, 2, 4])?))?;
            ran(m, vec![y, h])
        }),
        ("GRUPacked", || {
            let m = GRU::with(3, 4, RNNOptions { bidirectional: true, ..Default::default() })?;
            let packed = PackedSequence::pack_padded(&randn(&[5, 3, 3])?, &[3, 5, 2], false)?;
            let (y, h) = m.forward_packed(&packed, None)?;
            ran(m, vec![y.data, h])
        }),
        ("LSTMCell", || {
            let m = LSTMCell::new(3, 4)?;
            let (x, h, c) = (randn(&[2, 3])?, randn(&[2, 4])?, randn(&[2, 4])?);
            let (h, c) = m.forward(&x, Some((&h, &c)))?;
            ran(m, vec![h, c])
        }),
        ("GRUCell", || {
            let m = GRUCell::without_bias(3, 4)?;
            let h = m.forward(&randn(&[2, 3])?, None)?;
            ran(m, vec![h])
        }),
        ("MultiheadAttention", || {
            let m = MultiheadAttention::new(6, 2)?;
            let x = randn(&[4, 2, 6])?;
            let (y, weights) = m.forward(&x, &x, &x, Masks::default())?;
            ran(m, vec![y, weights])
        }),
        ("MultiheadAttentionOther", || {
            let options = AttentionOptions { kdim: Some(3), vdim: Some(5), batch_first: true, ..Default::default() };
            let m = MultiheadAttention::with(6, 2, options)?;
            let (q, k, v) = (randn(&[2, 4, 6])?, randn(&[2, 7, 3])?, randn(&[2, 7, 5])?);
            let hidden: Vec<bool> = (0..14).map(|i| i % 5 == 4).collect();
            let hidden = Tensor::of(&hidden, &[2, 7])?;
            let (y, weights) =
                m.forward(&q, &k, &v, Masks { key_padding_mask: Some(&hidden), ..Default::default() })?;
            ran(m, vec![y, weights])
        }),
        ("TransformerEncoder", || {
            let options = TransformerOptions {
                dim_feedforward: 8,
                activation: Activation::Gelu,
                batch_first: true,
                norm_first: true,
                ..Default::default()
            };
            one(TransformerEncoder::new(|| TransformerEncoderLayer::new(6, 2, options), 2, None)?, || randn(&[2, 4, 6]))
        }),
        ("Transformer", || {
            let options = TransformerOptions { dim_feedforward: 8, dropout: 0.0, ..Default::default() };
            let m = Transformer::new(6, 2, 2, 1, options)?;
            let (src, tgt, mask) = (randn(&[4, 2, 6])?, randn(&[3, 2, 6])?, Transformer::causal_mask(3)?);
            let masks = Masks { attn_mask: Some(&mask), ..Default::default() };
            let y = m.forward(&src, &tgt, Masks::default(), masks)?;
            ran(m, vec![y])
        }),
        ("CrossEntropyLoss", || {
            let m = CrossEntropyLoss { label_smoothing: 0.1, ..Default::default() };
            let loss = m.forward(&leaf(&[4, 3])?, &tensor![0, 2, 1, 1])?;
            ran(m, vec![loss])
        }),
        ("TripletMarginLoss", || {
            let m = TripletMarginLoss::default();
            let loss = m.forward(&leaf(&[4, 3])?, &randn(&[4, 3])?, &randn(&[4, 3])?)?;
            ran(m, vec![loss])
        }),
        ("HingeEmbeddingLoss", || {
            let m = HingeEmbeddingLoss::default();
            let loss = m.forward(&leaf(&[4])?, &tensor![1., -1., -1., 1.])?;
            ran(m, vec![loss])
        }),
        ("CosineEmbeddingLoss", || {
            let m = CosineEmbeddingLoss { margin: 0.1, ..Default::default() };
            let loss = m.forward(&leaf(&[3, 4])?, &randn(&[3, 4])?, &tensor![1., -1., 1.])?;
            ran(m, vec![loss])
        }),
        ("GaussianNLLLoss", || {
            let m = GaussianNLLLoss::default();
            let (mean, target) = (leaf(&[4])?, randn(&[4])?);
            let loss = m.forward(&mean, &target, &ops::rand(&[4])?)?;
            ran(m, vec![loss])
        }),
        ("MultiLabelSoftMarginLoss", || {
            let m = MultiLabelSoftMarginLoss::default();
            let loss = m.forward(&leaf(&[2, 3])?, &tensor![[1., 0., 1.], [0., 1., 0.]])?;
            ran(m, vec![loss])
        }),
    ]
}

/// More cases.
fn further_cases() -> Vec<Case> {
    vec![
        ("BilinearWithoutBias", || {
            let m = Bilinear::with(2, 3, 4, false)?;
            let y = m.forward(&randn(&[5, 2])?, &randn(&[5, 3])?)?;
            ran(m, vec![y])
        }),
        ("RReLU", || {
            let m = RReLU::new(0.1, 0.4)?;
            let trained = m.forward(&randn(&[4, 3])?)?;
            m.eval();
            let used = m.forward(&randn(&[4, 3])?)?;
            ran(m, vec![trained, used])
        }),
        ("Softmax2d", || one(Softmax2d, || randn(&[2, 3, 2, 2]))),
        ("LPPool1d", || one(LPPool1d::with(3.0, 3, Some(2.into()), true)?, || randn(&[1, 2, 8]))),
        ("MaxUnpool1d", || {
            let options = MaxPoolOptions { stride: Some(2.into()), ..Default::default() };
            let (x, places) = MaxPool1d::with(3, options).forward_with_indices(&randn(&[1, 2, 9])?)?;
            let m = MaxUnpool1d::with(3, Some(2.into()), 0);
            let y = m.forward(&x, &places)?;
            ran(m, vec![y])
        }),
        ("MaxUnpool2d", || {
            let (x, places) = MaxPool2d::new((2, 1)).forward_with_indices(&randn(&[1, 2, 5, 4])?)?;
            let m = MaxUnpool2d::new((2, 1));
            let y = m.forward_to(&x, &places, &[5, 4])?;
            ran(m, vec![y])
        }),
        ("FractionalMaxPool2d", || one(FractionalMaxPool2d::to(2, (3, 2))?, || randn(&[2, 3, 7, 6]))),
        ("FractionalMaxPool3d", || one(FractionalMaxPool3d::by(2, [0.5; 3])?, || randn(&[3, 6, 7, 6]))),
        ("ChannelShuffle", || one(ChannelShuffle { groups: 3 }, || randn(&[2, 6, 2]))),
        ("CrossEntropyLossWeighted", || {
            let m = CrossEntropyLoss { weight: Some(tensor![1., 2., 0.5]), ..Default::default() };
            let loss = m.forward(&leaf(&[4, 3])?, &tensor![0, 2, 1, 1])?;
            ran(m, vec![loss])
        }),
        ("MultiMarginLoss", || {
            let m = MultiMarginLoss { p: 2, weight: Some(tensor![1., 2., 0.5]), ..Default::default() };
            let loss = m.forward(&leaf(&[4, 3])?, &tensor![0, 2, 1, 1])?;
            ran(m, vec![loss])
        }),
        ("MultiLabelMarginLoss", || {
            let m = MultiLabelMarginLoss { reduction: Reduction::None };
            let loss = m.forward(&leaf(&[2, 4])?, &tensor![[3, 0, -1, 1], [2, -1, 0, 0]])?;
            ran(m, vec![loss])
        }),
        ("TripletMarginLossSwap", || {
            let m = TripletMarginLoss { p: 1.0, swap: true, ..Default::default() };
            let loss = m.forward(&leaf(&[4, 3])?, &randn(&[4, 3])?, &randn(&[4, 3])?)?;
            ran(m, vec![loss])
        }),
        ("TripletMarginWithDistanceLoss", || {
            let furthest = |a: &Tensor, b: &Tensor| a.sub(b)?.abs()?.amax_with(Some(&[1]), false);
            let m = TripletMarginWithDistanceLoss { margin: 0.5, ..TripletMarginWithDistanceLoss::new(furthest) };
            let loss = m.forward(&leaf(&[4, 3])?, &randn(&[4, 3])?, &randn(&[4, 3])?)?;
            ran(m, vec![loss])
        }),
        ("PoissonNLLLoss", || {
            let m = PoissonNLLLoss { log_input: false, full: true, ..Default::default() };
            let loss = m.forward(&ops::rand(&[4])?.requires_grad_(true)?, &tensor![0., 1., 2., 5.])?;
            ran(m, vec![loss])
        }),
        ("GaussianNLLLossFull", || {
            let m = GaussianNLLLoss { full: true, ..Default::default() };
            let (mean, target) = (leaf(&[4])?, randn(&[4])?);
            let loss = m.forward(&mean, &target, &ops::rand(&[4])?)?;
            ran(m, vec![loss])
        }),
        ("AdaptiveLogSoftmaxWithLoss", || {
            let m = AdaptiveLogSoftmaxWithLoss::with(8, 10, &[3, 6], 2.0, false)?;
            let (output, loss) = m.forward(&randn(&[5, 8])?, &tensor![0, 9, 4, 3, 2])?;
            let all = m.log_prob(&randn(&[2, 8])?)?;
            let best = m.predict(&randn(&[6, 8])?)?;
            ran(m, vec![output, loss, all, best])
        }),
        ("LinearCrossEntropyLoss", || {
            let m = LinearCrossEntropyLoss { label_smoothing: 0.1, ..LinearCrossEntropyLoss::new(4, 3, true)? };
            let loss = m.forward(&randn(&[5, 4])?, &tensor![0, 2, 1, 1, 0])?;
            ran(m, vec![loss])
        }),
        ("ModuleDict", || {
            let m: ModuleDict<Linear> = [("b", Linear::new(2, 3)?), ("a", Linear::new(3, 2)?)].into_iter().collect();
            let y = m.get("b").unwrap().forward(&randn(&[2])?)?;
            ran(m, vec![y])
        }),
        ("ParameterList", || {
            let m = ParameterList::new(vec![randn(&[2])?, randn(&[3, 1])?])?;
            let y = m.0[0].mul(&m.0[1])?;
            ran(m, vec![y])
        }),
    ]
}

struct Records {
    tensors: HashMap<String, Tensor>,
    printed: HashMap<String, String>,
}

impl Records {
    fn read() -> Result<Records> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/layers");
        let text = std::fs::read_to_string(folder.join("recorded.txt"))?;
        let printed = text.split("== ").skip(1).map(|part| {
            let (name, repr) = part.split_once('\n').unwrap_or((part, ""));
            (name.to_string(), repr.trim_end().to_string())
        });
        Ok(Records { tensors: load(folder.join("recorded.pt"))?.into_iter().collect(), printed: printed.collect() })
    }

    /// The recorded tensors of a case and a kind, by the rest of their names.
    fn of(&self, case: &str, kind: &str) -> HashMap<&str, &Tensor> {
        let start = format!("{case}/{kind}/");
        self.tensors.iter().filter_map(|(name, t)| Some((name.strip_prefix(&start)?, t))).collect()
    }
}

/// Where the values differ by more than the float32 rounding of a few steps.
fn difference(ours: &Tensor, theirs: &Tensor) -> Result<Option<String>> {
    if ours.size() != theirs.size() || ours.dtype() != theirs.dtype() {
        return Ok(Some(format!(
            "{:?} of {}, not {:?} of {}",
            ours.size(),
            ours.dtype().title(),
            theirs.size(),
            theirs.dtype().title()
        )));
    }
    let values = |t: &Tensor| t.detach().to_dtype(DType::F64)?.contiguous()?.to_vec::<f64>();
    let (ours, theirs) = (values(ours)?, values(theirs)?);
    let far = |(a, b): &(&f64, &f64)| (*a - *b).abs() > 2e-6 + 2e-5 * b.abs();
    Ok(ours.iter().zip(&theirs).find(far).map(|(a, b)| format!("{a}, not {b}")))
}

/// What is wrong with a case, if anything.
fn check(records: &Records, name: &str, run: fn() -> Result<Ran>) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    manual_seed(0);
    let (module, outputs) = run()?;
    if records.printed.get(name) != Some(&module.repr()) {
        wrong.push(format!("prints\n{}\nnot\n{}", module.repr(), records.printed.get(name).map_or("", |s| s)));
    }
    let mut loss: Option<Tensor> = None;
    for y in outputs.iter().filter(|y| y.requires_grad()) {
        // Weights that are exact and differ: a norm fixes the sum of its output, and of its squares.
        let weights = (0..y.numel()).map(|i| (i % 7) as f32 / 4.0 - 1.0).collect::<Vec<_>>();
        let part = y.mul(&Tensor::of(&weights, y.size())?)?.sum()?;
        loss = Some(loss.map_or(Ok(part.clone()), |sum| sum.add(&part))?);
    }
    loss.map_or(Ok(()), |loss| loss.backward())?;
    let mut compare = |kind: &str, ours: Vec<(String, Tensor)>| -> Result<()> {
        let recorded = records.of(name, kind);
        if ours.len() != recorded.len() {
            let names: Vec<&String> = ours.iter().map(|(name, _)| name).collect();
            wrong.push(format!("{kind}: {names:?}, not {:?}", recorded.keys()));
        }
        for (key, t) in &ours {
            let what = match recorded.get(key.as_str()) {
                Some(theirs) => difference(t, theirs)?,
                None => Some("not recorded".to_string()),
            };
            wrong.extend(what.map(|what| format!("{kind} {key}: {what}")));
        }
        Ok(())
    };
    compare("state", module.state_dict())?;
    compare("out", outputs.iter().enumerate().map(|(i, y)| (i.to_string(), y.clone())).collect())?;
    let grads = module.named_parameters().into_iter().filter_map(|(name, p)| Some((name, p.grad()?)));
    compare("grad", grads.collect())?;
    Ok(wrong)
}

#[test]
fn layers_are_pytorchs() -> Result<()> {
    let records = Records::read()?;
    let cases = [cases(), further_cases()].concat();
    assert_eq!(cases.len(), records.printed.len());
    let mut wrong = Vec::new();
    for (name, run) in cases {
        match check(&records, name, run) {
            Ok(found) => wrong.extend(found.into_iter().map(|what| format!("{name}: {what}"))),
            Err(error) => wrong.push(format!("{name}: {error}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}
