//! A provider on this machine: records what it is sent, and answers as it is told.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

/// What to answer.
#[derive(Debug, Clone)]
pub enum Answer {
    Say(u16, Vec<(&'static str, String)>, String),
    Hang,
}

impl Answer {
    pub fn status(status: u16) -> Self {
        Answer::Say(status, Vec::new(), String::new())
    }

    pub fn json(status: u16, body: Value) -> Self {
        Answer::Say(status, Vec::new(), body.to_string())
    }

    pub fn with(self, name: &'static str, value: &str) -> Self {
        match self {
            Answer::Say(status, mut headers, body) => {
                headers.push((name, value.to_owned()));
                Answer::Say(status, headers, body)
            }
            Answer::Hang => Answer::Hang,
        }
    }
}

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: Method,
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Request {
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The whole request but for what depends on the machine and its ports.
    pub fn golden(&self) -> String {
        let mut headers: Vec<String> = self
            .headers
            .iter()
            .filter(|(name, _)| {
                !["host", "content-length", "accept-encoding"].contains(&name.as_str())
            })
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        headers.sort();
        let headers = headers.join("\n");
        // The host is signed, and its port is another one each time.
        let headers = match headers.split_once("Signature=") {
            Some((before, after)) => format!("{before}Signature=…{}", &after[64..]),
            None => headers,
        };
        let body = match serde_json::from_slice::<Value>(&self.body) {
            Ok(json) => serde_json::to_string_pretty(&json).unwrap(),
            Err(_) => self.body.utf8_chunks().fold(String::new(), |text, chunk| {
                let strange: String = chunk
                    .invalid()
                    .iter()
                    .map(|byte| format!("\\x{byte:x}"))
                    .collect();
                text + &chunk.valid().replace("\r\n", "⏎\n") + &strange
            }),
        };
        format!("{} {}\n{headers}\n\n{body}", self.method, self.path)
    }
}

#[derive(Debug, Default)]
struct Book {
    answers: VecDeque<Answer>,
    requests: Vec<Request>,
}

/// The server. It ends with this value.
pub struct Provider {
    address: SocketAddr,
    book: Arc<Mutex<Book>>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
}

impl Provider {
    /// Answers in turn as told, then with what suits everybody.
    pub fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let book = Arc::new(Mutex::new(Book {
            answers: answers.into_iter().collect(),
            requests: Vec::new(),
        }));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let router = Router::new()
            .fallback(receive)
            .with_state(Arc::clone(&book));
        std::thread::spawn(move || {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap()
                .block_on(async move {
                    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                    tokio::select! {
                        _ = axum::serve(listener, router).into_future() => {}
                        _ = stopped => {}
                    }
                });
        });
        Provider {
            address,
            book,
            stop: Some(stop),
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.book.lock().unwrap().requests.clone()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }
}

async fn receive(
    State(book): State<Arc<Mutex<Book>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let answer = {
        let mut book = book.lock().unwrap();
        book.requests.push(Request {
            method,
            path: uri.to_string(),
            headers,
            body,
        });
        book.answers.pop_front().unwrap_or_else(|| {
            Answer::json(
                200,
                serde_json::json!({ "id": "49a3999c-0ce1-4ea6-ab68-afcd6dc2e794" }),
            )
            .with("x-message-id", "14c5d75ce93.dfd.64b469")
        })
    };
    match answer {
        Answer::Hang => std::future::pending().await,
        Answer::Say(status, headers, body) => {
            let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
            for (name, value) in headers {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            response
        }
    }
}
