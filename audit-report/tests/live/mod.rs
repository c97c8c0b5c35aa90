//! What the tests of the live page share: a shop whose names try to break out of every page, the page served, and a client
//! that sends exactly what it is told to.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use audit_core::{Policy, SecretValue};
use audit_report::serve::{Options, Site};
use audit_schema::testing::{Database, database};
use diesel::PgConnection;
use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use diesel::{QueryableByName, RunQueryDsl};

/// What people sign in with.
pub const TOKEN: &str = "a token that nobody guesses";

/// A name that would be markup, an attribute, a script and a line of its own.
pub const HOSTILE: &str = "\"><img src=x onerror=alert(1)>'<script>alert(2)</script>";

/// A shop: orders of which some fail, an order in quarantine, an open alert.
pub fn shop() -> (Database, PgConnection) {
    let database = database();
    let mut connection = database.connect();
    run(
        &mut connection,
        "create table public.orders (id int primary key, region text, amount numeric, note text)",
    );
    let policy = Policy::parse(
        "
version: 1
tables:
  public.orders:
    owner: shop@example.com
    why: To ship what was paid for.
    rules:
      - range: { amount: { min: 0 } }
        severity: critical
      - one_of: { region: [north, south] }
        severity: normal
        action: quarantine
alerts:
  bad_orders:
    on: rules
    when: failing > 0
    severity: inherit
",
        "shop",
    )
    .expect("the policy is right");
    audit_schema::apply(&mut connection, &policy).expect("the policy is applied");
    run(
        &mut connection,
        "insert into public.orders select n, 'north', n, null from generate_series(1, 20) as n;
        update public.orders set amount = -5 where id = 7;
        insert into public.orders values (21, 'west', 1, 'lost')",
    );
    audit_schema::tick(&mut connection, chrono::Utc::now()).expect("it ticks");
    (database, connection)
}

/// Adds a table, a rule, rows and a writer whose names and contents are all hostile.
pub fn add_hostile(connection: &mut PgConnection) {
    let text = HOSTILE.replace('\'', "''");
    let name = HOSTILE.replace('"', "\"\"");
    let quoted = name.replace('\'', "''");
    run(
        connection,
        &format!(
            "create table public.\"{name}\" (id text primary key, \"{name}\" text);
            select audit.watch('public.\"{quoted}\"', '{text}', '{text}');
            select audit.declare_rule('public.\"{quoted}\"', '{text}', 'not_null', jsonb_build_object('column', '{text}'),
                owner => '{text}', why => '{text}', severity => 'important');
            select audit.compile('public.\"{quoted}\"')"
        ),
    );
    run(
        connection,
        &format!(
            "begin;
            select audit.set_context(actor => '{text}', request_id => '{text}');
            insert into public.\"{name}\" values ('{text}', null), ('x', '{text}');
            update public.\"{name}\" set \"{name}\" = '{text}{text}' where id = 'x';
            commit"
        ),
    );
}

/// Runs statements that must succeed.
#[track_caller]
pub fn run(connection: &mut PgConnection, statements: &str) {
    if let Err(error) = connection.batch_execute(statements) {
        panic!("{error}\n{statements}");
    }
}

/// The only value of a query, as text.
#[track_caller]
pub fn text(connection: &mut PgConnection, query: &str) -> String {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        value: String,
    }
    match diesel::sql_query(format!("select ({query})::text as value"))
        .get_result::<Row>(connection)
    {
        Ok(row) => row.value,
        Err(error) => panic!("{error}\n{query}"),
    }
}

/// The live page of a database, until it is dropped.
pub struct Served {
    pub address: SocketAddr,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Served {
    /// Serves a database read-only.
    pub fn read_only(database: &Database) -> Self {
        Self::with(Options::new(database.url()))
    }

    /// Serves a database to people who may act.
    pub fn acting(database: &Database) -> Self {
        let mut options = Options::new(database.url());
        options.token = Some(SecretValue::new(TOKEN));
        Self::with(options)
    }

    pub fn with(options: Options) -> Self {
        let site = Site::open(options).expect("the options are right");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .expect("a port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let thread = std::thread::spawn(move || {
            runtime
                .block_on(site.serve(listener, async move {
                    let _ = stopped.await;
                }))
                .expect("it serves");
            runtime.shutdown_background();
        });
        Served {
            address,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What comes back for an address.
    pub fn get(&self, path: &str) -> Answer {
        self.get_as(path, "")
    }

    /// The same with the cookie of a session.
    pub fn get_as(&self, path: &str, cookie: &str) -> Answer {
        self.send("GET", path, &[("Cookie", cookie)], "")
    }

    /// Sends a form as a browser does.
    pub fn post(&self, path: &str, cookie: &str, form: &[(&str, &str)]) -> Answer {
        let body: Vec<String> = form
            .iter()
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        let origin = format!("http://{}", self.address);
        self.send(
            "POST",
            path,
            &[
                ("Cookie", cookie),
                ("Origin", &origin),
                ("Content-Type", "application/x-www-form-urlencoded"),
            ],
            &body.join("&"),
        )
    }

    /// Sends a request. A header without a value is left out.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        if !headers.iter().any(|(name, _)| *name == "Host") {
            request.push_str(&format!("Host: {}\r\n", self.address));
        }
        for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
        let mut stream = TcpStream::connect(self.address).expect("it listens");
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .expect("a limit");
        stream.write_all(request.as_bytes()).expect("it is sent");
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        Answer::read(&String::from_utf8_lossy(&answer))
    }

    /// Signs in, and returns the cookie and the secret of the session's forms.
    pub fn sign_in(&self, name: &str) -> (String, String) {
        let answer = self.post("/sign-in", "", &[("name", name), ("token", TOKEN)]);
        assert_eq!(answer.status, 303, "{}", answer.body);
        let cookie = answer
            .header("set-cookie")
            .and_then(|cookie| cookie.split(';').next())
            .expect("a cookie")
            .to_owned();
        let page = self.get_as("/alerts", &cookie).body;
        let secret = page
            .split("name=\"secret\" value=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .expect("a secret")
            .to_owned();
        (cookie, secret)
    }

    /// Tells it to stop and waits until it has.
    pub fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn read(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let body = if head
            .to_ascii_lowercase()
            .contains("transfer-encoding: chunked")
        {
            unchunked(body)
        } else {
            body.to_owned()
        };
        Answer {
            status: head
                .split(' ')
                .nth(1)
                .and_then(|status| status.parse().ok())
                .unwrap_or(0),
            head: head.to_owned(),
            body,
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (known, value) = line.split_once(':')?;
            known.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

fn unchunked(mut body: &str) -> String {
    let mut text = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let Ok(size) = usize::from_str_radix(size, 16) else {
            break;
        };
        let Some(chunk) = rest.get(..size) else {
            break;
        };
        text.push_str(chunk);
        body = rest.get(size + 2..).unwrap_or_default();
    }
    text
}

pub fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

/// Tries until something is there, for ten seconds at most.
#[track_caller]
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    within(Duration::from_secs(10), what, &mut look)
}

/// Tries until something is there.
#[track_caller]
pub fn within<T>(limit: Duration, what: &str, look: &mut dyn FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < limit, "{what} within {limit:?}");
        std::thread::yield_now();
    }
}
