//! Trains a small GPT on the letters of a text, then lets it write.
//!
//!     cargo run --release --example char_gpt -- [text file] [--steps N] [--letters N] [--seed N] [--out FOLDER]
//!
//! Without a file it reads data/shakespeare/coriolanus.txt. It shows the loss as it goes, leaves the trained model in
//! runs/char_gpt/model-rust.pt, and prints a sample. From the same seed the losses are those of `examples/char_gpt.py`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use flambeau::nn::{init, utils::clip_grad_norm_};
use flambeau::prelude::*;

/// How large the model is, and what it trains on.
#[derive(Clone, Copy)]
pub struct Config {
    /// Letters the model sees at once.
    pub context: i64,
    /// Numbers for each place.
    pub width: i64,
    /// Heads of attention.
    pub heads: i64,
    /// Blocks.
    pub layers: usize,
    /// Stretches of text a step.
    pub batch: i64,
}

impl Default for Config {
    fn default() -> Config {
        Config { context: 64, width: 128, heads: 4, layers: 4, batch: 16 }
    }
}

/// Each place gathers from the places before it: `B T C -> B T C`.
#[derive(Module)]
struct CausalSelfAttention {
    heads: i64,
    qkv: Linear,
    proj: Linear,
}

impl CausalSelfAttention {
    fn new(width: i64, heads: i64) -> Result<CausalSelfAttention> {
        Ok(CausalSelfAttention { heads, qkv: Linear::new(width, 3 * width)?, proj: Linear::new(width, width)? })
    }
}

impl Forward for CausalSelfAttention {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let &[b, t, c] = x.size() else {
            return Err(Error::value(format!("attention wants B T C, but got {:?}", x.size())));
        };
        // B T C -> B heads T C/heads, each of queries, keys and values
        let parts = self.qkv.forward(x)?.split_with(c, 2)?;
        let by_head = |y: &Tensor| y.view(&[b, t, self.heads, c / self.heads])?.transpose(1, 2);
        let (q, k, v) = (by_head(&parts[0])?, by_head(&parts[1])?, by_head(&parts[2])?);
        let y = q.scaled_dot_product_attention_with(&k, &v, None, 0.0, true, None, false)?;
        self.proj.forward(&y.transpose(1, 2)?.contiguous()?.view(&[b, t, c])?)
    }
}

#[derive(Module)]
struct Block {
    ln1: LayerNorm,
    attention: CausalSelfAttention,
    ln2: LayerNorm,
    mlp: Sequential,
}

impl Block {
    fn new(width: i64, heads: i64) -> Result<Block> {
        Ok(Block {
            ln1: LayerNorm::new(&[width])?,
            attention: CausalSelfAttention::new(width, heads)?,
            ln2: LayerNorm::new(&[width])?,
            mlp: sequential![Linear::new(width, 4 * width)?, GELU::default(), Linear::new(4 * width, width)?],
        })
    }
}

impl Forward for Block {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let x = x + &self.attention.forward(&self.ln1.forward(x)?)?;
        Ok(&x + &self.mlp.forward(&self.ln2.forward(&x)?)?)
    }
}

/// Logits of the next letter for each place.
#[derive(Module)]
#[allow(clippy::upper_case_acronyms)]
pub struct GPT {
    token: Embedding,
    position: Embedding,
    blocks: Vec<Block>,
    ln: LayerNorm,
    head: Linear,
    context: i64,
}

impl GPT {
    /// A model for so many different letters.
    pub fn new(letters: i64, config: Config) -> Result<GPT> {
        let Config { context, width, heads, layers, .. } = config;
        let model = GPT {
            token: Embedding::new(letters, width)?,
            position: Embedding::new(context, width)?,
            blocks: (0..layers).map(|_| Block::new(width, heads)).collect::<Result<_>>()?,
            ln: LayerNorm::new(&[width])?,
            head: Linear::without_bias(width, letters)?,
            context,
        };
        for (name, parameter) in model.named_parameters() {
            if parameter.dim() > 1 {
                init::normal_(&parameter, 0.0, 0.02)?;
            } else if name.ends_with("bias") {
                init::zeros_(&parameter)?;
            }
        }
        Ok(model)
    }

    /// `tokens` and `count` more, each drawn from what the model takes for likely. Shape: `T -> T+count`.
    pub fn write(&self, tokens: &Tensor, count: usize, temperature: f64) -> Result<Tensor> {
        let mut tokens = tokens.clone();
        for _ in 0..count {
            let (n, seen) = (tokens.numel(), tokens.numel().min(self.context));
            let logits = no_grad(|| self.forward(&tokens.narrow(0, n - seen, seen)?.unsqueeze(0)?))?;
            let likely = logits.select(0, 0)?.select(0, -1)?.div(temperature)?.softmax(0)?;
            tokens = ops::cat(&[tokens, likely.multinomial(1)?])?;
        }
        Ok(tokens)
    }
}

impl Forward for GPT {
    /// `B T -> B T letters`.
    fn forward(&self, tokens: &Tensor) -> Result<Tensor> {
        let places = ops::arange_end(tokens.size()[1])?;
        let mut x = &self.token.forward(tokens)? + &self.position.forward(&places)?;
        for block in &self.blocks {
            x = block.forward(&x)?;
        }
        self.head.forward(&self.ln.forward(&x)?)
    }
}

/// A text as numbers, and the letters that they stand for.
pub struct Text {
    letters: Vec<char>,
    train: Tensor,
    held_back: Tensor,
}

impl Text {
    /// Reads a file; the last tenth is held back.
    pub fn read(path: &Path) -> Result<Text> {
        let text = std::fs::read_to_string(path)?;
        let mut letters: Vec<char> = text.chars().collect();
        letters.sort_unstable();
        letters.dedup();
        let data: Vec<i64> = text.chars().filter_map(|c| letters.binary_search(&c).ok()).map(|i| i as i64).collect();
        let (train, held_back) = data.split_at(data.len() * 9 / 10);
        let tensor = |part: &[i64]| Tensor::of(part, &[part.len() as i64]);
        Ok(Text { train: tensor(train)?, held_back: tensor(held_back)?, letters })
    }

    /// What the model writes behind the text's first letter.
    pub fn sample(&self, model: &GPT, count: usize) -> Result<String> {
        let tokens = model.write(&self.train.narrow(0, 0, 1)?, count, 0.8)?;
        Ok(tokens.to_vec::<i64>()?.into_iter().map(|i| self.letters[i as usize]).collect())
    }
}

/// Stretches of the text from anywhere, and the same ones a letter on.
fn batch_of(data: &Tensor, config: Config) -> Result<(Tensor, Tensor)> {
    let Config { batch, context, .. } = config;
    let places = ops::randint(data.numel() - context, &[batch])?.to_vec::<i64>()?;
    let from = |shift: i64| -> Result<Tensor> {
        let stretches = places.iter().map(|i| data.narrow(0, i + shift, context));
        ops::stack(&stretches.collect::<Result<Vec<_>>>()?)
    };
    Ok((from(0)?, from(1)?))
}

fn loss_of(model: &GPT, x: &Tensor, y: &Tensor) -> Result<Tensor> {
    model.forward(x)?.flatten_with(0, 1)?.cross_entropy(&y.flatten()?)
}

/// The mean loss on the text held back, in stretches side by side.
fn held_back_loss(model: &GPT, text: &Text, config: Config) -> Result<f64> {
    let data = &text.held_back;
    let n = ((data.numel() - 1) / config.context).min(64);
    let part = |from: i64| data.narrow(0, from, n * config.context)?.view(&[n, config.context]);
    Ok(no_grad(|| loss_of(model, &part(0)?, &part(1)?))?.item()?.to_f64())
}

/// Trains from a seed; `told` gets each step and its loss.
pub fn train(
    text: &Text,
    config: Config,
    seed: u64,
    steps: usize,
    mut told: impl FnMut(&GPT, usize, f64) -> Result<()>,
) -> Result<GPT> {
    manual_seed(seed);
    let model = GPT::new(text.letters.len() as i64, config)?;
    let parameters = model.parameters();
    let options = AdamWOptions { lr: 1e-3, weight_decay: 0.1, ..Default::default() };
    let mut optimizer = AdamW::new(parameters.clone(), options)?;
    for step in 1..=steps {
        let (x, y) = batch_of(&text.train, config)?;
        let loss = loss_of(&model, &x, &y)?;
        optimizer.zero_grad()?;
        loss.backward()?;
        clip_grad_norm_(&parameters, 1.0)?;
        optimizer.step()?;
        told(&model, step, loss.item()?.to_f64())?;
    }
    Ok(model)
}

struct Arguments {
    text: PathBuf,
    out: PathBuf,
    steps: usize,
    letters: usize,
    seed: u64,
}

fn arguments() -> Result<Arguments> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found = Arguments {
        text: root.join("data/shakespeare/coriolanus.txt"),
        out: root.join("runs/char_gpt"),
        steps: 1000,
        letters: 400,
        seed: 0,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        if !word.starts_with("--") {
            found.text = word.into();
            continue;
        }
        let value = words.next().unwrap_or_default();
        let number = || {
            value
                .parse::<u64>()
                .map_err(|_| Error::value(format!("{word}: a whole number is wanted, but got '{value}'")))
        };
        match word.as_str() {
            "--steps" => found.steps = number()? as usize,
            "--letters" => found.letters = number()? as usize,
            "--seed" => found.seed = number()?,
            "--out" => found.out = value.into(),
            _ => {
                return Err(Error::value(format!(
                    "unknown option '{word}': there are --steps, --letters, --seed, --out"
                )));
            }
        }
    }
    Ok(found)
}

fn main() -> Result<()> {
    const EVERY: usize = 50;
    let a = arguments()?;
    let (config, text) = (Config::default(), Text::read(&a.text)?);
    println!("{} letters, {} different", text.train.numel() + text.held_back.numel(), text.letters.len());
    let (mut total, mut seen, mut begun) = (0.0, 0, Instant::now());
    let model = train(&text, config, a.seed, a.steps, |model, step, loss| {
        (total, seen) = (total + loss, seen + 1);
        if step % EVERY == 0 || step == a.steps {
            let ms = 1000.0 * begun.elapsed().as_secs_f64() / seen as f64;
            let (loss, unseen) = (total / seen as f64, held_back_loss(model, &text, config)?);
            println!("step {step:5}/{}  loss {loss:.5}  held back {unseen:.5}  {ms:6.1} ms a step", a.steps);
            (total, seen, begun) = (0.0, 0, Instant::now());
        }
        Ok(())
    })?;
    std::fs::create_dir_all(&a.out)?;
    let path = a.out.canonicalize()?.join("model-rust.pt");
    flambeau::save(&path, &model.state_dict())?;
    println!("wrote {}\n", path.display());
    println!("{}", text.sample(&model, a.letters)?);
    Ok(())
}
