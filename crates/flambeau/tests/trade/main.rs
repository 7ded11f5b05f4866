//! Models that change hands: files that PyTorch wrote, read and trained on, written and read again. `record.py` wrote the files,
//! and checks those that this test leaves where `FLAMBEAU_TRADE` names a folder; `FLAMBEAU_TRADE_FROM` names another folder to
//! read from.

use std::path::{Path, PathBuf};

use flambeau::checkpoint::{self, Value};
use flambeau::optim::{RMSprop, RMSpropOptions};
use flambeau::prelude::*;

#[derive(Module)]
struct BasicBlock {
    conv1: Conv2d,
    bn1: BatchNorm2d,
    conv2: Conv2d,
    bn2: BatchNorm2d,
    downsample: Option<Sequential>,
}

fn conv(inputs: i64, outputs: i64, kernel: i64, stride: i64) -> Result<Conv2d> {
    let options =
        Conv2dOptions { stride: stride.into(), padding: (kernel / 2).into(), bias: false, ..Default::default() };
    Conv2d::with(inputs, outputs, kernel, options)
}

impl BasicBlock {
    fn new(inputs: i64, outputs: i64, stride: i64) -> Result<BasicBlock> {
        let other = stride != 1 || inputs != outputs;
        Ok(BasicBlock {
            conv1: conv(inputs, outputs, 3, stride)?,
            bn1: BatchNorm2d::new(outputs)?,
            conv2: conv(outputs, outputs, 3, 1)?,
            bn2: BatchNorm2d::new(outputs)?,
            downsample: match other {
                true => Some(sequential![conv(inputs, outputs, 1, stride)?, BatchNorm2d::new(outputs)?]),
                false => None,
            },
        })
    }
}

impl Forward for BasicBlock {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = self.bn1.forward(&self.conv1.forward(x)?)?.relu()?;
        let y = self.bn2.forward(&self.conv2.forward(&y)?)?;
        let x = self.downsample.as_ref().map_or(Ok(x.clone()), |d| d.forward(x))?;
        (&y + &x).relu()
    }
}

/// With `width` channels in the first stage, where the original has 64.
#[derive(Module)]
struct ResNet18 {
    conv1: Conv2d,
    bn1: BatchNorm2d,
    maxpool: MaxPool2d,
    layer1: Sequential,
    layer2: Sequential,
    layer3: Sequential,
    layer4: Sequential,
    avgpool: AdaptiveAvgPool2d,
    fc: Linear,
}

impl ResNet18 {
    fn new(width: i64, classes: i64) -> Result<ResNet18> {
        let stage = |inputs: i64, outputs: i64, stride: i64| -> Result<Sequential> {
            Ok(sequential![BasicBlock::new(inputs, outputs, stride)?, BasicBlock::new(outputs, outputs, 1)?])
        };
        let pool = MaxPoolOptions { stride: Some(2.into()), padding: 1.into(), ..Default::default() };
        Ok(ResNet18 {
            conv1: conv(3, width, 7, 2)?,
            bn1: BatchNorm2d::new(width)?,
            maxpool: MaxPool2d::with(3, pool),
            layer1: stage(width, width, 1)?,
            layer2: stage(width, 2 * width, 2)?,
            layer3: stage(2 * width, 4 * width, 2)?,
            layer4: stage(4 * width, 8 * width, 2)?,
            avgpool: AdaptiveAvgPool2d::new(1),
            fc: Linear::new(8 * width, classes)?,
        })
    }
}

impl Forward for ResNet18 {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let mut x = self.maxpool.forward(&self.bn1.forward(&self.conv1.forward(x)?)?.relu()?)?;
        for layer in [&self.layer1, &self.layer2, &self.layer3, &self.layer4] {
            x = layer.forward(&x)?;
        }
        self.fc.forward(&self.avgpool.forward(&x)?.flatten_with(1, -1)?)
    }
}

#[derive(Module)]
struct Translator {
    embedding: Embedding,
    transformer: Transformer,
    head: Linear,
}

impl Translator {
    fn new(letters: i64, width: i64) -> Result<Translator> {
        let options =
            TransformerOptions { dim_feedforward: 2 * width, dropout: 0.0, batch_first: true, ..Default::default() };
        Ok(Translator {
            embedding: Embedding::new(letters, width)?,
            transformer: Transformer::new(width, 2, 1, 1, options)?,
            head: Linear::new(width, letters)?,
        })
    }
}

impl Forward for Translator {
    fn forward(&self, tokens: &Tensor) -> Result<Tensor> {
        let x = self.embedding.forward(tokens)?;
        let mask = Transformer::causal_mask(tokens.size()[1])?;
        let masks = Masks { attn_mask: Some(&mask), ..Default::default() };
        self.head.forward(&self.transformer.forward(&x, &x, Masks::default(), masks)?)?.transpose(1, 2)
    }
}

#[derive(Module)]
struct Tagger {
    lstm: LSTM,
    head: Linear,
}

impl Tagger {
    fn new(features: i64, hidden: i64, tags: i64) -> Result<Tagger> {
        let options = RNNOptions { num_layers: 2, bidirectional: true, batch_first: true, ..Default::default() };
        Ok(Tagger { lstm: LSTM::with(features, hidden, options)?, head: Linear::new(2 * hidden, tags)? })
    }
}

impl Forward for Tagger {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.head.forward(&self.lstm.forward(x, None)?.0)?.transpose(1, 2)
    }
}

fn used(model: &dyn Forward, x: &Tensor) -> Result<Vec<f32>> {
    model.eval();
    let out = no_grad(|| model.forward(x)?.contiguous()?.to_vec::<f32>());
    model.train();
    out
}

fn step(model: &dyn Forward, optimizer: &mut dyn Optimizer, x: &Tensor, y: &Tensor) -> Result<f64> {
    optimizer.zero_grad()?;
    let loss = model.forward(x)?.cross_entropy(y)?;
    loss.backward()?;
    optimizer.step()?;
    Ok(loss.item()?.to_f64())
}

/// Takes a model and its optimizer from a file, and compares the output and the losses of the next steps with the file's.
fn take_over(file: &Value, model: &dyn Forward, optimizer: &mut dyn Optimizer) -> Result<()> {
    model.load_state_dict(&file.get("model")?.state_dict()?)?;
    optimizer.load_state_dict(&file.get("optimizer")?.state_map()?)?;
    let (x, y) = (file.get("x")?.tensor()?, file.get("y")?.tensor()?);
    let theirs = file.get("out")?.tensor()?.contiguous()?.to_vec::<f32>()?;
    for (a, b) in used(model, x)?.iter().zip(&theirs) {
        assert!((a - b).abs() <= 1e-6 * b.abs().max(1.0), "{a}, not {b}");
    }
    for loss in file.get("losses")?.elements()? {
        let (ours, theirs) = (step(model, optimizer, x, y)?, loss.float()?);
        assert!((ours - theirs).abs() <= 2e-6 * theirs, "{ours}, not {theirs}");
    }
    Ok(())
}

fn trade<M: Forward, O: Optimizer>(
    name: &str,
    make: fn() -> Result<M>,
    optimize: fn(Vec<Tensor>) -> Result<O>,
) -> Result<()> {
    let folder = std::env::var_os("FLAMBEAU_TRADE_FROM").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/trade"));
    let file = checkpoint::read(folder.join(format!("{name}.pt")))?;
    let model = make()?;
    let mut optimizer = optimize(model.parameters())?;
    take_over(&file, &model, &mut optimizer)?;

    // On it goes: saved with what comes next, and taken over by another.
    let (x, y) = (file.get("x")?.tensor()?, file.get("y")?.tensor()?);
    let out = Tensor::of(&used(&model, x)?, file.get("out")?.tensor()?.size())?;
    let mut items: Vec<(&str, Value)> = vec![
        ("model", copies(&model)?.into()),
        ("optimizer", optimizer.state_dict().into()),
        ("x", x.clone().into()),
        ("y", y.clone().into()),
        ("out", out.into()),
    ];
    let kept = std::env::var_os("FLAMBEAU_TRADE").map(PathBuf::from);
    let folder = kept.clone().unwrap_or_else(std::env::temp_dir);
    let path = folder.join(match kept {
        Some(_) => format!("{name}.pt"),
        None => format!("flambeau-trade-{name}-{}.pt", std::process::id()),
    });
    // The file is written before the next steps change the optimizer's tensors, and again with the losses behind them.
    checkpoint::write(&path, &Value::dict(items.clone()))?;
    let before = checkpoint::read(&path)?;
    let losses = (0..3).map(|_| Ok(Value::Float(step(&model, &mut optimizer, x, y)?))).collect::<Result<Vec<_>>>()?;
    items[1].1 = before.get("optimizer")?.clone();
    items.push(("losses", Value::List(losses)));
    checkpoint::write(&path, &Value::dict(items))?;
    let other = make()?;
    let mut others = optimize(other.parameters())?;
    take_over(&checkpoint::read(&path)?, &other, &mut others)?;
    if kept.is_none() {
        std::fs::remove_file(&path)?;
    }
    Ok(())
}

/// The state of a model in memory of its own.
fn copies(model: &dyn Module) -> Result<StateDict> {
    model.state_dict().into_iter().map(|(name, t)| Ok((name, t.clone_tensor()?))).collect()
}

#[test]
fn a_resnet_changes_hands() -> Result<()> {
    trade(
        "resnet",
        || ResNet18::new(4, 5),
        |p| {
            SGD::new(
                p,
                SGDOptions { lr: 0.01, momentum: 0.9, weight_decay: 1e-4, nesterov: true, ..Default::default() },
            )
        },
    )
}

#[test]
fn a_transformer_changes_hands() -> Result<()> {
    trade(
        "transformer",
        || Translator::new(11, 8),
        |p| AdamW::new(p, AdamWOptions { lr: 1e-3, weight_decay: 0.1, ..Default::default() }),
    )
}

#[test]
fn an_lstm_changes_hands() -> Result<()> {
    trade(
        "lstm",
        || Tagger::new(4, 6, 3),
        |p| RMSprop::new(p, RMSpropOptions { lr: 1e-3, momentum: 0.5, centered: true, ..Default::default() }),
    )
}
