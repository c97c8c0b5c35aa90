//! A browser: as much of WebDriver as the tests need, over the standard library.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

/// What WebDriver calls an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// The tabulator, Enter and Shift, as WebDriver spells them.
pub const TAB: &str = "\u{E004}";
pub const ENTER: &str = "\u{E007}";

/// A headless Chromium with a profile of its own. It ends with this value.
pub struct Browser {
    driver: Child,
    port: u16,
    session: String,
    profile: PathBuf,
}

/// How a page looks to somebody.
#[derive(Clone, Copy)]
pub struct Eyes {
    pub width: u32,
    pub height: u32,
    pub dark: bool,
    pub scripts: bool,
}

impl Default for Eyes {
    fn default() -> Self {
        Eyes {
            width: 1280,
            height: 900,
            dark: false,
            scripts: true,
        }
    }
}

impl Browser {
    pub fn start(eyes: Eyes) -> Self {
        static PROFILES: AtomicU32 = AtomicU32::new(0);
        let profile = std::env::temp_dir().join(format!(
            "audit-browser-{}-{}",
            std::process::id(),
            PROFILES.fetch_add(1, Ordering::Relaxed)
        ));
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts; `scripts/setup tests` installs it");
        let out = driver.stdout.take().expect("its output");
        let port = BufReader::new(out)
            .lines()
            .map_while(Result::ok)
            .find_map(|line| {
                let (_, port) = line.split_once("started successfully on port ")?;
                port.trim_end_matches('.').parse().ok()
            })
            .expect("chromedriver says its port");
        let mut browser = Browser {
            driver,
            port,
            session: String::new(),
            profile,
        };
        let mut arguments: Vec<String> = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
        ]
        .map(str::to_owned)
        .into();
        arguments.push(format!("--user-data-dir={}", browser.profile.display()));
        arguments.push(format!(
            "--window-size={},{}",
            eyes.width.max(500),
            eyes.height
        ));
        if eyes.dark {
            arguments.push("--blink-settings=preferredColorScheme=0".to_owned());
        }
        let preferences = if eyes.scripts {
            json!({})
        } else {
            json!({ "profile.managed_default_content_settings.javascript": 2 })
        };
        let mut options = json!({ "args": arguments, "prefs": preferences });
        if eyes.width < 500 {
            // A window can not be that narrow; a phone is.
            options["mobileEmulation"] = json!({
                "deviceMetrics": { "width": eyes.width, "height": eyes.height, "pixelRatio": 2.0, "touch": true, "mobile": true }
            });
        }
        let answer = browser.ask(
            "POST",
            "/session",
            &json!({ "capabilities": { "alwaysMatch": {
                "browserName": "chrome",
                "goog:chromeOptions": options,
                "goog:loggingPrefs": { "browser": "ALL" },
            } } }),
        );
        browser.session = answer["sessionId"].as_str().expect("a session").to_owned();
        browser
    }

    pub fn open(&self, url: &str) {
        self.command("POST", "/url", &json!({ "url": url }));
    }

    pub fn address(&self) -> String {
        text(&self.command("GET", "/url", &Value::Null))
    }

    /// The value of an expression on the page.
    pub fn value(&self, expression: &str) -> Value {
        self.run(&format!("return ({expression})"))
    }

    /// What a script returns.
    pub fn run(&self, script: &str) -> Value {
        self.command(
            "POST",
            "/execute/sync",
            &json!({ "script": script, "args": [] }),
        )
    }

    /// What a script hands to its last argument, later.
    pub fn run_async(&self, script: &str) -> Value {
        self.command(
            "POST",
            "/execute/async",
            &json!({ "script": script, "args": [] }),
        )
    }

    /// Clicks on the first element that a selector finds.
    #[track_caller]
    pub fn click(&self, selector: &str) {
        let element = self.find(selector);
        self.command("POST", &format!("/element/{element}/click"), &json!({}));
    }

    /// Types into the first element that a selector finds.
    #[track_caller]
    pub fn type_into(&self, selector: &str, keys: &str) {
        let element = self.find(selector);
        self.command(
            "POST",
            &format!("/element/{element}/value"),
            &json!({ "text": keys }),
        );
    }

    /// Presses keys, one after the other, wherever the focus is.
    pub fn press(&self, keys: &str) {
        let actions: Vec<Value> = keys
            .chars()
            .flat_map(|key| {
                let key = key.to_string();
                [
                    json!({ "type": "keyDown", "value": key }),
                    json!({ "type": "keyUp", "value": key }),
                ]
            })
            .collect();
        self.command(
            "POST",
            "/actions",
            &json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": actions }] }),
        );
    }

    /// What the browser complained about since it was last asked: scripts that failed, what a policy refused, what was
    /// not there.
    pub fn complaints(&self) -> Vec<String> {
        let log = self.command("POST", "/se/log", &json!({ "type": "browser" }));
        log.as_array()
            .expect("a log")
            .iter()
            .filter(|line| matches!(line["level"].as_str(), Some("SEVERE" | "WARNING")))
            .map(|line| text(&line["message"]))
            .collect()
    }

    #[track_caller]
    fn find(&self, selector: &str) -> String {
        let found = self.command(
            "POST",
            "/element",
            &json!({ "using": "css selector", "value": selector }),
        );
        text(&found[ELEMENT])
    }

    #[track_caller]
    fn command(&self, method: &str, path: &str, body: &Value) -> Value {
        self.ask(method, &format!("/session/{}{path}", self.session), body)
    }

    #[track_caller]
    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the driver listens");
        stream
            .set_read_timeout(Some(Duration::from_secs(120)))
            .expect("a limit");
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .expect("it is sent");
        let mut reader = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).expect("a head");
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().expect("a length");
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut answer = vec![0; length];
        reader.read_exact(&mut answer).expect("an answer");
        let answer: Value = serde_json::from_slice(&answer).expect("json");
        let value = answer["value"].clone();
        assert!(
            value.get("error").is_none(),
            "{method} {path} {body}\n{value:#}"
        );
        value
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty()
            && let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port))
        {
            let _ = write!(
                stream,
                "DELETE /session/{} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
                self.session
            );
            let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
            let _ = stream.read(&mut [0; 1024]);
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
