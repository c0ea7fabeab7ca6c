//! The smallest handler that reads the same body as a prediction, for `make bench-serving`: what is left of a request's time
//! beside it is the work of the server.
//!
//! `cargo run --release --example minimal_handler -- ADDRESS`. It parses the JSON, looks at nothing in it and answers a
//! constant.

use std::error::Error;

use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args()
        .nth(1)
        .ok_or("give an address, such as 127.0.0.1:8081")?;
    let listener = TcpListener::bind(address).await?;
    axum::serve(listener, Router::new().route("/predict", post(answer))).await?;
    Ok(())
}

async fn answer(Json(_): Json<Value>) -> Json<Value> {
    Json(json!({"label": "0", "score": 0.5}))
}
