//! Many messages, four notifiers, kills and a restart of the database: each message arrives, and comes twice only where nobody
//! could know. `make deliveries` runs it with 10,000.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use audit_schema::embedded::{Cluster, Options as ClusterOptions};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use diesel::connection::SimpleConnection;
use diesel::deserialize::QueryableByName;
use diesel::sql_types::Text;
use diesel::{PgConnection, RunQueryDsl};

/// What providers were sent: by path and key, every body in its order.
type Book = BTreeMap<(String, String), Vec<Bytes>>;

/// A mail API that knows messages by their key, and a webhook that takes whatever comes.
struct Providers {
    url: String,
    book: Arc<(Mutex<Book>, Condvar)>,
}

impl Providers {
    fn start() -> Self {
        let book: Arc<(Mutex<Book>, Condvar)> = Arc::default();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new()
            .fallback(receive)
            .with_state(Arc::clone(&book));
        std::thread::spawn(move || {
            tokio::runtime::Builder::new_current_thread()
                .enable_io()
                .build()
                .unwrap()
                .block_on(async move {
                    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                    axum::serve(listener, router).await.unwrap();
                });
        });
        Providers { url, book }
    }

    /// Waits until so many different messages came, at most so long.
    fn wait_for(&self, messages: usize, at_most: Duration) {
        let (book, changed) = &*self.book;
        let book = book.lock().unwrap();
        let waited = changed.wait_timeout_while(book, at_most, |book| book.len() < messages);
        drop(waited.unwrap());
    }
}

async fn receive(
    State(book): State<Arc<(Mutex<Book>, Condvar)>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> &'static str {
    let key = headers
        .get("idempotency-key")
        .or_else(|| headers.get("webhook-id"))
        .map_or("", |key| key.to_str().unwrap());
    let (book, changed) = &*book;
    book.lock()
        .unwrap()
        .entry((uri.path().to_owned(), key.to_owned()))
        .or_default()
        .push(body);
    changed.notify_all();
    r#"{"id": "taken"}"#
}

/// A folder that is gone at the end of the test.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A database server that can be started again in the same place.
struct Server {
    folder: Folder,
    url: String,
    cluster: Option<Cluster>,
}

impl Server {
    fn start() -> Self {
        let path = std::env::temp_dir().join(format!("audit-flood-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        let url = format!(
            "postgresql://postgres@/postgres?host={}&port=5432",
            path.join("server").display()
        );
        let mut server = Server {
            folder: Folder(path),
            url,
            cluster: None,
        };
        server.restart();
        server
    }

    fn restart(&mut self) {
        self.cluster = None;
        let cluster = Cluster::start(ClusterOptions {
            keep: Some(self.folder.0.join("data")),
            ..ClusterOptions::default()
        })
        .unwrap();
        // The socket is another one after the restart, so the address names a link to it.
        let link = self.folder.0.join("server");
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink(cluster.socket_directory(), &link).unwrap();
        self.cluster = Some(cluster);
    }

    fn connect(&self) -> PgConnection {
        audit_schema::connect(&self.url).unwrap()
    }

    fn follow(&self) -> Child {
        Command::new(env!("CARGO_BIN_EXE_audit-notify"))
            .args(["--follow", "--database-url", &self.url])
            .env("KEY", "re_key")
            .env("SECRET", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")
            .env_remove("RUST_LOG")
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }
}

fn texts(connection: &mut PgConnection, query: &str) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        text: String,
    }
    let rows: Vec<Row> =
        diesel::sql_query(format!("select text::text from ({query}) as rows (text)"))
            .load(connection)
            .unwrap();
    rows.into_iter().map(|row| row.text).collect()
}

fn policy(url: &str, alerts: usize) -> String {
    format!(
        r#"create table public.trouble (name text primary key);
        select audit.watch('public.trouble');
        select audit.declare_summary('public.trouble', 'troubles', '{{
            "group_by": [{{"name": "name", "expression": "name"}}],
            "measures": [{{"name": "rows", "function": "count", "expression": null}}]}}');
        select audit.compile('public.trouble');
        insert into audit.alert_policy (name, definition)
        values ('trouble', '{{"on": "troubles", "when": "rows > 0", "severity": "critical", "say": "{{name}} is in trouble", "messages": "each"}}');
        insert into audit.route (position, definition) values (1, '{{"to": ["mail", "hook"]}}');
        insert into audit.channel (name, provider, per_minute, definition) values
            ('mail', 'resend', 1000000, '{{"resend": {{
                "from": "audit@example.com", "to": ["ops@example.com"], "api_key": {{"env": "KEY"}},
                "base_url": "{url}", "allow_private": true}}}}'),
            ('hook', 'webhook', 1000000, '{{"webhook": {{
                "url": "{url}/hook", "secret": {{"env": "SECRET"}}, "allow_private": true}}}}');
        insert into public.trouble select 'T' || n from generate_series(1, {alerts}) as n"#
    )
}

#[test]
#[expect(
    clippy::print_stderr,
    reason = "whoever runs it by hand wants its figures"
)]
fn every_message_arrives_and_comes_twice_only_where_nobody_could_know() {
    const KILLS: usize = 16;
    let messages: usize =
        std::env::var("AUDIT_DELIVERIES").map_or(400, |text| text.parse().unwrap());
    let providers = Providers::start();
    let mut server = Server::start();
    let mut connection = server.connect();
    audit_schema::migrate(&mut connection).unwrap();
    connection
        .batch_execute(&policy(&providers.url, messages / 2))
        .unwrap();
    audit_schema::tick(&mut connection, chrono::Utc::now()).unwrap();
    assert_eq!(
        texts(&mut connection, "select count(*) from audit.outbox"),
        [messages.to_string()]
    );

    let began = Instant::now();
    let patience = Duration::from_secs(600);
    let mut services: Vec<Child> = (0..4).map(|_| server.follow()).collect();
    let mut killed = Vec::new();
    // Nobody waits for two minutes: the leases of the dead are made to run out.
    let bury = |connection: &mut PgConnection, killed: &[String]| {
        let names = killed.join("', 'audit-notify ");
        connection
            .batch_execute(&format!(
                "update audit.outbox set lease_until = clock_timestamp() where state = 'sending' and worker in ('audit-notify {names}')"
            ))
            .unwrap();
    };
    for kill in 1..=KILLS {
        providers.wait_for(messages * kill / (KILLS + 2), patience);
        if kill == KILLS / 2 {
            drop(connection);
            server.restart();
            connection = server.connect();
        }
        let place = kill % services.len();
        killed.push(services[place].id().to_string());
        services[place].kill().unwrap();
        services[place].wait().unwrap();
        services[place] = server.follow();
        bury(&mut connection, &killed);
    }
    let undelivered = "select delivery_id from audit.outbox where state <> 'delivered'";
    while !texts(&mut connection, undelivered).is_empty() {
        assert!(began.elapsed() < patience, "it does not end");
        bury(&mut connection, &killed);
        // Nothing more may come, so this only paces.
        providers.wait_for(usize::MAX, Duration::from_millis(100));
    }
    let took = began.elapsed();
    for service in &mut services {
        let id = service.id().to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status().unwrap();
        assert!(told.success());
        assert!(service.wait().unwrap().success());
    }

    let book = providers.book.0.lock().unwrap().clone();
    let sent: BTreeSet<String> = book.keys().map(|(_, key)| key.clone()).collect();
    let all = texts(&mut connection, "select delivery_id from audit.outbox");
    assert_eq!(sent, all.into_iter().collect(), "some never arrived");
    let again: Vec<&(String, String)> = book
        .iter()
        .filter(|(_, bodies)| bodies.len() > 1)
        .map(|(key, _)| key)
        .collect();
    let unknown: BTreeSet<String> = texts(
        &mut connection,
        "select delivery_id from audit.delivery_attempt where outcome in ('abandoned', 'failed')",
    )
    .into_iter()
    .collect();
    for (path, key) in &again {
        assert!(
            unknown.contains(key),
            "{path} {key} was sent twice, and nobody was killed over it"
        );
    }
    // A lane is a message ahead of what is written down, and no more.
    assert!(again.len() <= 2 * KILLS, "{} came twice", again.len());
    let mails_again = again.iter().filter(|(path, _)| path == "/emails").count();
    for ((path, key), bodies) in &book {
        if path == "/emails" {
            let first = &bodies[0];
            assert!(
                bodies.iter().all(|body| body == first),
                "{key} differs from what its key stands for"
            );
        }
    }
    assert_eq!(
        texts(
            &mut connection,
            "select count(*) from audit.delivery_attempt where outcome = 'delivered'"
        ),
        [messages.to_string()]
    );
    eprintln!(
        "{messages} messages in {} s, {} notifiers killed, the database restarted once: all arrived; {} were under way at a kill; \
         {} of {} webhooks came twice; {} mails were sent again under the same key, so none came twice",
        took.as_secs(),
        killed.len(),
        unknown.len(),
        again.len() - mails_again,
        messages / 2,
        mails_again,
    );
}
