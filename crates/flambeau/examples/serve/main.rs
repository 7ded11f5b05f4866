//! Serves a model trained in Python over HTTP: handwritten digits, read.
//!
//!     make demo                                                  # trains runs/mnist/model.pt
//!     cargo run --release --example serve -- [model.pt] [address]
//!
//! `POST /predict` with `{"pixels": [784 numbers from 0 to 255]}` answers `{"digit": 7, "probabilities": [...]}`; `GET /` is a
//! page to draw a digit on. Requests that wait are computed together. What is wrong is answered by status: 400 for a bad
//! request, 413 for a large one, 503 when too many wait, 504 when it took too long. Ctrl-C or SIGTERM stops it: no new
//! connections, and what waits is answered first.

use std::future::Future;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use flambeau::prelude::*;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

/// What the server allows.
#[derive(Clone, Copy)]
pub struct Limits {
    /// How many requests may wait.
    pub queue: usize,
    /// How many are computed at once.
    pub batch: usize,
    /// How long one may take.
    pub timeout: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { queue: 256, batch: 64, timeout: Duration::from_secs(2) }
    }
}

const PIXELS: usize = 28 * 28;

#[derive(Deserialize)]
struct Request {
    pixels: Vec<f32>,
}

/// What the model takes an image for.
#[derive(Clone, Deserialize, Serialize)]
pub struct Answer {
    /// The likeliest digit.
    pub digit: usize,
    /// Of each digit.
    pub probabilities: Vec<f32>,
}

/// A request that waits: its pixels, and where the answer goes.
struct Job {
    pixels: Vec<f32>,
    reply: oneshot::Sender<Result<Answer>>,
}

#[derive(Clone)]
struct Shared {
    queue: mpsc::Sender<Job>,
    timeout: Duration,
}

/// 784-128-64-10, with the weights of a file.
pub fn model(path: &std::path::Path) -> Result<Sequential> {
    let model = sequential![Linear::new(784, 128)?, ReLU, Linear::new(128, 64)?, ReLU, Linear::new(64, 10)?];
    model.load_state_dict(&flambeau::load(path)?)?;
    model.eval();
    Ok(model)
}

/// All images of a batch at once.
fn answers(model: &dyn Forward, jobs: &[Job]) -> Result<Vec<Answer>> {
    let pixels: Vec<f32> = jobs.iter().flat_map(|job| &job.pixels).copied().collect();
    let x = Tensor::of(&pixels, &[jobs.len() as i64, PIXELS as i64])?.div(255.0)?.sub(0.5)?.div(0.5)?;
    let probabilities = no_grad(|| model.forward(&x)?.softmax(1))?.to_vec::<f32>()?;
    let answer = |row: &[f32]| {
        let likeliest = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        Answer { digit: likeliest.map_or(0, |(digit, _)| digit), probabilities: row.to_vec() }
    };
    Ok(probabilities.chunks(10).map(answer).collect())
}

/// Takes what waits, up to a batch, until no sender is left.
fn work(model: &dyn Forward, mut queue: mpsc::Receiver<Job>, batch: usize) {
    let mut jobs = Vec::with_capacity(batch);
    while queue.blocking_recv_many(&mut jobs, batch) > 0 {
        // Nobody waits for an answer whose connection is gone.
        jobs.retain(|job| !job.reply.is_closed());
        if jobs.is_empty() {
            continue;
        }
        let results: Vec<Result<Answer>> = match answers(model, &jobs) {
            Ok(answers) => answers.into_iter().map(Ok).collect(),
            Err(error) => jobs.iter().map(|_| Err(error.clone())).collect(),
        };
        for (job, result) in jobs.drain(..).zip(results) {
            // An error here means that the other side has gone.
            let _ = job.reply.send(result);
        }
    }
}

fn refused(status: StatusCode, why: impl Into<String>) -> Response {
    (status, Json(serde_json::json!({ "error": why.into() }))).into_response()
}

async fn predict(State(shared): State<Shared>, body: Result<Json<Request>, JsonRejection>) -> Response {
    let pixels = match body {
        Ok(Json(Request { pixels })) => pixels,
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            return refused(StatusCode::PAYLOAD_TOO_LARGE, rejection.body_text());
        }
        Err(rejection) => return refused(StatusCode::BAD_REQUEST, rejection.body_text()),
    };
    if pixels.len() != PIXELS || pixels.iter().any(|p| !(0.0..=255.0).contains(p)) {
        let why = format!("pixels: {PIXELS} numbers from 0 to 255 are wanted, but got {}", pixels.len());
        return refused(StatusCode::BAD_REQUEST, why);
    }
    let (reply, answer) = oneshot::channel();
    match shared.queue.try_send(Job { pixels, reply }) {
        Ok(()) => {}
        Err(TrySendError::Full(_)) => {
            return refused(StatusCode::SERVICE_UNAVAILABLE, "too many requests wait: try again later");
        }
        Err(TrySendError::Closed(_)) => return refused(StatusCode::INTERNAL_SERVER_ERROR, "the model stopped"),
    }
    match tokio::time::timeout(shared.timeout, answer).await {
        Ok(Ok(Ok(answer))) => Json(answer).into_response(),
        Ok(Ok(Err(error))) => refused(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
        Ok(Err(_)) => refused(StatusCode::INTERNAL_SERVER_ERROR, "the model stopped"),
        Err(_) => refused(StatusCode::GATEWAY_TIMEOUT, "it took too long"),
    }
}

/// Serves until `stop` is done and all that waits is answered.
pub async fn serve(
    listener: TcpListener,
    model: impl Forward + 'static,
    limits: Limits,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    let (queue, waiting) = mpsc::channel(limits.queue);
    let worker = thread::spawn(move || work(&model, waiting, limits.batch));
    let app = Router::new()
        .route("/", get(async || Html(include_str!("page.html"))))
        .route("/health", get(async || "ok"))
        .route("/predict", post(predict))
        .layer(DefaultBodyLimit::max(64 << 10))
        .with_state(Shared { queue, timeout: limits.timeout });
    axum::serve(listener, app).with_graceful_shutdown(stop).await?;
    // The last sender went with the router: the worker ends when the queue is empty.
    worker.join().map_err(|_| Error::runtime("the model's thread panicked"))
}

/// Done at Ctrl-C, or at SIGTERM.
async fn told_to_stop() {
    let interrupt = async { _ = tokio::signal::ctrl_c().await };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => _ = signal.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! { () = interrupt => {}, () = terminate => {} }
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut words = std::env::args().skip(1);
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let path = words.next().map_or_else(|| root.join("runs/mnist/model.pt"), PathBuf::from);
    let address = words.next().unwrap_or_else(|| "127.0.0.1:8080".to_string());
    let model = model(&path)?;
    println!("{model}");
    let listener = TcpListener::bind(&address).await?;
    println!("draw a digit on http://{}/  (Ctrl-C stops)", listener.local_addr()?);
    serve(listener, model, Limits::default(), told_to_stop()).await?;
    println!("stopped");
    Ok(())
}
