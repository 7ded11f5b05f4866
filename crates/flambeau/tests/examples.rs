//! The examples run, and give PyTorch's numbers.

#![allow(dead_code)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use flambeau::Result;
use flambeau::prelude::*;

#[path = "../examples/char_gpt.rs"]
mod char_gpt;
#[path = "../examples/cnn.rs"]
mod cnn;
#[path = "../examples/linear_regression.rs"]
mod linear_regression;
#[path = "../examples/mnist.rs"]
mod mnist;
#[path = "../examples/predict.rs"]
mod predict;
#[path = "../examples/serve/main.rs"]
mod serve;

/// All draw from the one default generator, so they take turns.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn close(ours: &[f64], theirs: &[f64], tolerance: f64) {
    assert_eq!(ours.len(), theirs.len());
    for (a, b) in ours.iter().zip(theirs) {
        assert!((a - b).abs() <= tolerance * b.abs(), "{ours:?}, not {theirs:?}");
    }
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data").join(name)
}

#[test]
fn a_line_is_fitted() -> Result<()> {
    let _alone = alone();
    let (losses, model) = linear_regression::train(0)?;
    close(&losses, &[0.000225, 0.000093, 0.000093], 5e-3);
    let w: Vec<f64> = model.weight.to_vec::<f32>()?.into_iter().map(f64::from).collect();
    close(&w, &[2.0, -3.4], 1e-3);
    Ok(())
}

#[test]
fn digits_are_learned_as_in_pytorch() -> Result<()> {
    let _alone = alone();
    let mut told = Vec::new();
    let (_, right) = mnist::train(0, 2, 20, |_, seen, loss| {
        if seen == 640 {
            told.push(loss);
        }
    })?;
    close(&told, &[2.2627378344535827, 1.989831280708313], 1e-5);
    close(&[right], &[0.561], 1e-3);
    Ok(())
}

#[test]
fn a_convolutional_network_trains_as_in_pytorch() -> Result<()> {
    let _alone = alone();
    let mut told = Vec::new();
    cnn::train(0, 2, 3, |loss, right| told.extend([loss, right]))?;
    close(&told, &[2.28858, 0.100, 2.18183, 0.376], 1e-4);
    Ok(())
}

#[test]
fn a_gpt_trains_as_in_pytorch_and_writes() -> Result<()> {
    let _alone = alone();
    let text = char_gpt::Text::read(&data("shakespeare/coriolanus.txt"))?;
    let config = char_gpt::Config { context: 32, width: 32, layers: 2, ..Default::default() };
    let mut losses = Vec::new();
    let model = char_gpt::train(&text, config, 0, 4, |_, _, loss| {
        losses.push(loss);
        Ok(())
    })?;
    close(&losses, &[4.08242, 4.00724, 3.95023, 3.90776], 1e-5);
    assert_eq!(text.sample(&model, 30)?, "FTuLkyICGds:,b GMaflbzWeM,E'w'y");
    Ok(())
}

/// A file that goes with the test.
struct File(PathBuf);

impl File {
    fn new(name: &str) -> File {
        File(std::env::temp_dir().join(format!("flambeau-{}-{name}", std::process::id())))
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Weights that were not trained, as a file.
fn digits_model(name: &str) -> Result<(File, Sequential)> {
    manual_seed(0);
    let model = sequential![Linear::new(784, 128)?, ReLU, Linear::new(128, 64)?, ReLU, Linear::new(64, 10)?];
    let file = File::new(name);
    flambeau::save(&file.0, &model.state_dict())?;
    Ok((file, model))
}

#[test]
fn a_saved_model_reads_images() -> Result<()> {
    let _alone = alone();
    let (file, model) = digits_model("predict.pt")?;
    let images = ops::zeros(&[3, 28, 28])?.to_dtype(DType::U8)?;
    let found = predict::read(&predict::model(&file.0)?, &images)?;
    let direct = model.forward(&ops::full(&[1, 784], -1.0)?)?.argmax()?.item()?.to_i64();
    assert_eq!(found.len(), 3);
    assert!(found.iter().all(|&(digit, sure)| digit == direct && (0.1..1.0).contains(&sure)));
    assert!(predict::read(&model, &ops::zeros(&[3, 5])?).is_err());
    Ok(())
}

/// Sends a request; its status, and the body of the answer.
fn ask(address: SocketAddr, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    let head = "POST /predict HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json";
    write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).expect("the request is taken");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the answer is text");
    let status = answer.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("a status");
    (status, answer.split_once("\r\n\r\n").map_or(String::new(), |(_, body)| body.to_string()))
}

#[test]
fn a_model_is_served() -> Result<()> {
    let _alone = alone();
    let (file, model) = digits_model("serve.pt")?;
    let runtime = tokio::runtime::Runtime::new()?;
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let limits = serve::Limits { batch: 4, ..Default::default() };
    let served = serve::serve(listener, serve::model(&file.0)?, limits, async { _ = stopped.await });
    let server = runtime.spawn(served);

    // Many at once, each with an image of its own.
    let asked: Vec<_> = (0..12)
        .map(|i| std::thread::spawn(move || ask(address, &format!(r#"{{"pixels": {:?}}}"#, vec![20 * i; 784]))))
        .collect();
    for (i, answer) in asked.into_iter().enumerate() {
        let (status, body) = answer.join().expect("a client");
        assert_eq!(status, 200, "{body}");
        let answer: serve::Answer = serde_json::from_str(&body).expect("an answer");
        let x = ops::full(&[1, 784], 20.0 * i as f64)?.div(255.0)?.sub(0.5)?.div(0.5)?;
        let direct = model.forward(&x)?.softmax(1)?;
        let theirs: Vec<f64> = direct.to_vec::<f32>()?.into_iter().map(f64::from).collect();
        let ours: Vec<f64> = answer.probabilities.iter().copied().map(f64::from).collect();
        close(&ours, &theirs, 1e-5);
        assert_eq!(answer.digit as i64, direct.argmax()?.item()?.to_i64());
    }

    for bad in ["", "{", "{}", r#"{"pixels": [1, 2]}"#, &format!(r#"{{"pixels": {:?}}}"#, vec![256; 784])] {
        assert_eq!(ask(address, bad).0, 400, "{bad}");
    }
    assert_eq!(ask(address, &format!(r#"{{"pixels": [{}]}}"#, "0,".repeat(40_000))).0, 413);

    stop.send(()).expect("the server runs");
    runtime.block_on(server).expect("no panic")?;
    assert!(TcpStream::connect(address).is_err());
    Ok(())
}

/// A model that takes its time.
#[derive(Module)]
struct Slow {
    model: Sequential,
}

impl Forward for Slow {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        std::thread::sleep(Duration::from_millis(500));
        self.model.forward(input)
    }
}

#[test]
fn a_server_that_is_busy_says_so() -> Result<()> {
    let _alone = alone();
    let (_file, model) = digits_model("busy.pt")?;
    let runtime = tokio::runtime::Runtime::new()?;
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let limits = serve::Limits { queue: 1, batch: 1, timeout: Duration::from_millis(20) };
    let server = runtime.spawn(serve::serve(listener, Slow { model }, limits, async { _ = stopped.await }));
    let body = format!(r#"{{"pixels": {:?}}}"#, vec![0; 784]);
    // One is computed, for too long; one waits, for too long; there is no place for the others.
    let statuses: Vec<u16> = (0..4).map(|_| ask(address, &body).0).collect();
    assert_eq!(statuses[0], 504, "{statuses:?}");
    assert!(statuses[1..].iter().all(|status| [503, 504].contains(status)), "{statuses:?}");
    assert!(statuses.contains(&503), "{statuses:?}");
    stop.send(()).expect("the server runs");
    runtime.block_on(server).expect("no panic")
}
