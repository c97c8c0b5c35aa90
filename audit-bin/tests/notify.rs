//! `audit-notify` and `audit deliveries`, run as a person or cron runs them, and killed as a machine kills them.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use audit_bin::demo::mail_api::{MailApi, Options};
use audit_schema::embedded::{Cluster, Options as ClusterOptions};
use audit_schema::testing::{Database, database};
use diesel::connection::SimpleConnection;
use diesel::deserialize::QueryableByName;
use diesel::{RunQueryDsl, sql_types::Text};

const KEY: &str = "re_demo";

/// A folder that is gone at the end of the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("audit-notify-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A database with an alert for each of some rows, and the mail API that they go to.
struct Plant {
    database: Database,
    mail: MailApi,
    folder: Folder,
}

/// A table whose every row opens an alert while it is there, and the channel that hears of it.
fn troubles(mail: &str, rows: usize) -> String {
    format!(
        r#"create table public.trouble (name text primary key);
            select audit.watch('public.trouble');
            select audit.declare_summary('public.trouble', 'troubles', '{{
                "group_by": [{{"name": "name", "expression": "name"}}],
                "measures": [{{"name": "rows", "function": "count", "expression": null}}]}}');
            select audit.compile('public.trouble');
            insert into audit.alert_policy (name, definition)
            values ('trouble', '{{"on": "troubles", "when": "rows > 0", "severity": "critical", "say": "{{name}} is in trouble", "messages": "each"}}');
            insert into audit.route (position, definition) values (1, '{{"to": ["ops"]}}');
            insert into audit.channel (name, provider, definition) values ('ops', 'resend', '{{"resend": {{
                "from": "audit@example.com", "to": ["ops@example.com"], "api_key": {{"env": "KEY"}},
                "base_url": "{mail}", "allow_private": true}}}}');
            insert into public.trouble select 'T' || n from generate_series(1, {rows}) as n"#
    )
}

impl Plant {
    fn with_troubles(rows: usize) -> Self {
        let folder = Folder::new();
        let mail = MailApi::start(Options {
            directory: folder.0.join("mail"),
            api_key: KEY.to_owned(),
            preferred_port: 0,
        })
        .unwrap();
        let database = database();
        let plant = Self {
            database,
            mail,
            folder,
        };
        plant.sql(&troubles(&plant.mail.url(), rows));
        plant
    }

    fn sql(&self, sql: &str) {
        self.database.connect().batch_execute(sql).unwrap();
    }

    fn one(&self, query: &str) -> String {
        #[derive(QueryableByName)]
        struct Line {
            #[diesel(sql_type = Text)]
            line: String,
        }
        diesel::sql_query(format!("select ({query})::text as line"))
            .get_result::<Line>(&mut self.database.connect())
            .unwrap()
            .line
    }

    fn program(&self, path: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(path);
        command
            .args(arguments)
            .current_dir(&self.folder.0)
            .env_remove("AUDIT_TIME_ZONE")
            .env_remove("RUST_LOG")
            .env("DATABASE_URL", self.database.url())
            .env("KEY", KEY);
        command
    }

    fn run(&self, mut command: Command) -> (Option<i32>, String) {
        let output = command.output().unwrap();
        let said =
            String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        (output.status.code(), said)
    }

    fn notify(&self, arguments: &[&str]) -> (Option<i32>, String) {
        self.run(self.program(env!("CARGO_BIN_EXE_audit-notify"), arguments))
    }

    fn deliveries(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let mut all = vec!["deliveries"];
        all.extend(arguments);
        self.run(self.program(env!("CARGO_BIN_EXE_audit"), &all))
    }

    /// The subjects of the mails that arrived, without those that the API knew by their key.
    fn arrived(&self) -> Vec<String> {
        self.mail
            .messages()
            .into_iter()
            .map(|message| message.subject)
            .collect()
    }
}

#[test]
fn a_kill_at_any_step_loses_nothing_and_doubles_nothing() {
    for step in ["claimed", "kept", "sending", "answered", "written"] {
        let plant = Plant::with_troubles(3);
        let mut killed = plant.program(env!("CARGO_BIN_EXE_audit-notify"), &["--once"]);
        killed.env("AUDIT_KILL_AT", step);
        let (code, said) = plant.run(killed);
        assert_eq!(code, None, "{step}: it was not killed: {said}");

        let (code, said) = plant.notify(&["--once"]);
        assert_eq!(code, Some(0), "{step}: {said}");
        // Whoever was killed holds its lease until the lease runs out.
        plant
            .sql("update audit.outbox set lease_until = clock_timestamp() where state = 'sending'");
        let (code, said) = plant.notify(&["--once"]);
        assert_eq!(code, Some(0), "{step}: {said}");

        let arrived = plant.arrived();
        let different: BTreeSet<&String> = arrived.iter().collect();
        assert_eq!(
            (arrived.len(), different.len()),
            (3, 3),
            "{step}: {arrived:?}"
        );
        let states = plant.one("select string_agg(distinct state, ' ') from audit.outbox");
        assert_eq!(states, "delivered", "{step}");
        // What was written down before the kill is not sent again; all else that was claimed is, under the same key.
        let again = plant.one("select count(*) from audit.outbox where attempt > 1");
        assert_eq!(again, if step == "written" { "2" } else { "3" }, "{step}");
    }
}

#[test]
fn four_services_share_the_work_and_end_when_told() {
    let plant = Plant::with_troubles(8);
    let mut services: Vec<Child> = (0..4)
        .map(|_| {
            plant
                .program(
                    env!("CARGO_BIN_EXE_audit-notify"),
                    &["--follow", "--log", "json"],
                )
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    // The log tells of every delivery; one line of each is enough to know that it is at work.
    let mut delivered = 0;
    let (said, heard) = std::sync::mpsc::channel();
    let readers: Vec<_> = services
        .iter_mut()
        .map(|service| {
            let log = BufReader::new(service.stderr.take().unwrap());
            let said = said.clone();
            std::thread::spawn(move || {
                for line in log.lines().map_while(Result::ok) {
                    let _ = said.send(line);
                }
            })
        })
        .collect();
    drop(said);
    while delivered < 8 {
        let line = heard.recv().unwrap();
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        delivered += usize::from(line["fields"]["message"] == "delivered");
    }
    for service in &services {
        let id = service.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &id])
                .status()
                .unwrap()
                .success()
        );
    }
    for service in &mut services {
        assert!(service.wait().unwrap().success());
    }
    for reader in readers {
        reader.join().unwrap();
    }
    let arrived = plant.arrived();
    let different: BTreeSet<&String> = arrived.iter().collect();
    assert_eq!((arrived.len(), different.len()), (8, 8), "{arrived:?}");
    assert_eq!(
        plant.one("select count(*) from audit.delivery_attempt"),
        "8"
    );
}

#[test]
fn a_dry_run_shows_what_is_due_and_changes_nothing() {
    let plant = Plant::with_troubles(1);
    let (code, said) = plant.notify(&["--dry-run"]);
    assert_eq!(
        (code, said.as_str()),
        (
            Some(0),
            "0 messages due · a dry run: nothing was sent or changed\n"
        )
    );
    let mut connection = plant.database.connect();
    audit_schema::tick(&mut connection, chrono::Utc::now()).unwrap();
    let (code, said) = plant.notify(&["--dry-run"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.starts_with(
            "ops to ops@example.com: Critical: public.trouble, trouble, T1\n  T1 is in trouble\n"
        ),
        "{said}"
    );
    assert!(
        said.ends_with("\n1 message due · a dry run: nothing was sent or changed\n"),
        "{said}"
    );
    assert_eq!(plant.arrived().len(), 0);
    assert_eq!(
        plant.one("select state || attempt || coalesce(message::text, '') from audit.outbox"),
        "ready0"
    );
}

#[test]
fn figures_are_kept_for_a_monitoring_system() {
    let plant = Plant::with_troubles(2);
    let (code, said) = plant.notify(&["--once", "--metrics", "audit.prom"]);
    assert_eq!(code, Some(0), "{said}");
    let figures = std::fs::read_to_string(plant.folder.0.join("audit.prom")).unwrap();
    for line in [
        "audit_outbox_waiting{channel=\"ops\"} 0\n",
        "audit_outbox_oldest_seconds{channel=\"ops\"} 0\n",
        "audit_channel_paused{channel=\"ops\"} 0\n",
        "audit_delivery_attempts_total{channel=\"ops\",outcome=\"delivered\"} 2\n",
        "audit_delivery_attempts_total{channel=\"ops\",outcome=\"dead\"} 0\n",
        "audit_delivery_seconds_bucket{channel=\"ops\",le=\"+Inf\"} 2\n",
        "audit_delivery_seconds_count{channel=\"ops\"} 2\n",
    ] {
        assert!(figures.contains(line), "{line}{figures}");
    }
    assert!(!plant.folder.0.join("audit.tmp").exists());
}

#[test]
fn a_sign_of_life_follows_a_round_that_went_well() {
    let plant = Plant::with_troubles(0);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/ping", listener.local_addr().unwrap());
    let ping = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        line
    });
    // It is cut off in the middle, which is not our trouble.
    let (code, said) = plant.notify(&["--once", "--ping", &url]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(ping.join().unwrap(), "POST /ping HTTP/1.1\r\n");
}

#[test]
fn what_was_given_up_is_listed_shown_and_tried_again() {
    let plant = Plant::with_troubles(2);
    let good = plant.one("select definition from audit.channel");
    plant.sql("update audit.channel set definition = jsonb_set(definition, '{resend,to}', '[\"nobody\"]')");
    let (code, said) = plant.notify(&["--once"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("was given up: the provider answered 422"),
        "{said}"
    );

    let (code, said) = plant.deliveries(&["list"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("given up  ▲ critical  ops      T1 is in trouble"),
        "{said}"
    );
    assert!(said.ends_with("\n2 messages\n"), "{said}");
    let (_, said) = plant.run(plant.program(env!("CARGO_BIN_EXE_audit"), &["doctor"]));
    assert!(
        said.contains("channel ops  deliveries_dead\n    given up within a day: 2"),
        "{said}"
    );
    let (code, said) = plant.deliveries(&["list", "--state", "waiting"]);
    assert_eq!(
        (code, said.as_str()),
        (Some(0), "✓ nothing waits, and nothing was given up\n")
    );

    let id =
        plant.one("select delivery_id from audit.outbox where message ->> 'subject' like '%T1'");
    let (code, said) = plant.deliveries(&["show", &id[..8]]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("given up · firing through resend to ops · ▲ critical · since "),
        "{said}"
    );
    assert!(said.contains("dead") && said.contains("422"), "{said}");
    assert!(said.contains("\n  T1 is in trouble\n"), "{said}");

    plant.sql(&format!("update audit.channel set definition = '{good}'"));
    let (code, said) = plant.deliveries(&["retry", &id[..8]]);
    assert_eq!(
        (code, said.as_str()),
        (
            Some(0),
            "1 message to be tried again, by the next audit-notify\n"
        )
    );
    assert_eq!(plant.notify(&["--once"]).0, Some(0));
    // There is no other channel, so this one says as well that something was given up.
    assert_eq!(
        plant.arrived(),
        [
            "Critical: public.trouble, trouble, T1",
            "Critical: audit pipeline, ops"
        ]
    );
    let (code, said) = plant.deliveries(&["retry", &id[..8]]);
    assert_eq!(code, Some(1));
    assert!(said.ends_with("was delivered already\n"), "{said}");

    let (_, said) = plant.deliveries(&["retry", "--channel", "ops"]);
    assert_eq!(
        said,
        "1 message to be tried again, by the next audit-notify\n"
    );
    assert_eq!(plant.notify(&["--once"]).0, Some(0));
    assert_eq!(plant.arrived()[2], "Critical: public.trouble, trouble, T2");
    let (_, said) = plant.deliveries(&["retry", "--all"]);
    assert_eq!(
        said,
        "0 messages to be tried again, by the next audit-notify\n"
    );
}

#[test]
fn what_is_collected_for_a_digest_is_shown_until_it_goes_out() {
    let plant = Plant::with_troubles(3);
    plant.sql(r#"update audit.route set definition = '{"to": ["ops"], "digest": {"days": [1, 2, 3, 4, 5, 6, 7], "at": "08:00", "time_zone": "UTC"}}'"#);
    let (code, said) = plant.notify(&["--once", "--metrics", "audit.prom"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(plant.arrived().is_empty());
    let figures = std::fs::read_to_string(plant.folder.0.join("audit.prom")).unwrap();
    assert!(
        figures.contains("audit_outbox_waiting{channel=\"ops\"} 0\n"),
        "{figures}"
    );
    let (code, said) = plant.deliveries(&["list"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("collecting  ▲ critical  ops      digest: T")
            && said.contains(" is in trouble and 2 more        0  in "),
        "{said}"
    );
    let (_, said) = plant.run(plant.program(env!("CARGO_BIN_EXE_audit"), &["status"]));
    assert!(
        said.contains("0 messages delivered, 3 for a digest\n"),
        "{said}"
    );
    // Whoever can not wait for it has it now.
    let id = plant.one("select delivery_id from audit.outbox");
    let (code, said) = plant.deliveries(&["retry", &id]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(plant.notify(&["--once"]).0, Some(0));
    assert_eq!(plant.arrived(), ["Digest: 3 new"]);
}

#[test]
fn the_doctor_says_when_nobody_delivers() {
    let plant = Plant::with_troubles(1);
    audit_schema::tick(&mut plant.database.connect(), chrono::Utc::now()).unwrap();
    let doctor = || {
        plant
            .run(plant.program(env!("CARGO_BIN_EXE_audit"), &["doctor"]))
            .1
    };
    assert!(!doctor().contains("deliveries_late"));
    plant.sql("update audit.outbox set due_at = due_at - interval '10 minutes'");
    let said = doctor();
    assert!(
        said.contains(
            "◆ important  channel ops  deliveries_late\n    the first of 1 that wait is due since "
        ),
        "{said}"
    );
}

#[test]
fn a_paused_channel_is_resumed() {
    let plant = Plant::with_troubles(1);
    let mut wrong = plant.program(env!("CARGO_BIN_EXE_audit-notify"), &["--once"]);
    wrong.env("KEY", "another");
    let (code, said) = plant.run(wrong);
    assert_eq!(code, Some(1), "{said}");
    let (_, said) = plant.deliveries(&["list"]);
    assert!(said.contains("paused"), "{said}");
    let (code, said) = plant.deliveries(&["resume", "ops"]);
    assert_eq!(
        (code, said.as_str()),
        (Some(0), "the channel ops is used again\n")
    );
    assert_eq!(plant.notify(&["--once"]).0, Some(0));
    assert_eq!(plant.deliveries(&["resume", "ops"]).0, Some(1));
}

#[test]
fn a_recipient_that_was_left_out_is_listed_and_restored() {
    let plant = Plant::with_troubles(0);
    plant.sql("select audit.leave_out('ops', 'ann@example.com', 'no such user')");
    let (code, said) = plant.deliveries(&["list"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("ann@example.com is left out of ops since "),
        "{said}"
    );
    let (code, said) = plant.deliveries(&["restore", "ops", "ann@example.com"]);
    assert_eq!(
        (code, said.as_str()),
        (Some(0), "ann@example.com is written to again\n")
    );
    assert_eq!(
        plant.deliveries(&["restore", "ops", "ann@example.com"]).0,
        Some(1)
    );
}

#[test]
fn nothing_is_tried_again_by_mistake() {
    let plant = Plant::with_troubles(0);
    let (code, said) = plant.deliveries(&["retry"]);
    assert_eq!(code, Some(1));
    assert!(
        said.contains("no message is named; give ids, --channel, or --all"),
        "{said}"
    );
    let (code, said) = plant.deliveries(&["show", "abc"]);
    assert_eq!(
        (code, said.as_str()),
        (
            Some(1),
            "error: no delivery has an id that begins with `abc`\n"
        )
    );
}

#[test]
fn a_database_that_is_not_there_ends_it_with_two() {
    let plant = Plant::with_troubles(0);
    let mut command = plant.program(env!("CARGO_BIN_EXE_audit-notify"), &["--once"]);
    command.env("DATABASE_URL", "postgres://nobody@127.0.0.1:9/nothing");
    assert_eq!(plant.run(command).0, Some(2));
}

#[test]
fn a_team_has_mails_of_its_own_looks() {
    let plant = Plant::with_troubles(1);
    let folder = plant.folder.0.join("looks");
    std::fs::create_dir_all(&folder).unwrap();
    let (write, path) = (
        |text: &str| std::fs::write(folder.join("mail.txt"), text).unwrap(),
        folder.to_str().unwrap(),
    );
    write("Oh: {{hedline}}\n");
    let (code, said) = plant.notify(&["--once", "--templates", path]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("in mail.txt\n  because a template has no part `hedline`; its parts are subject, headline"), "{said}");
    write("Oh: {{headline}}\n");
    assert_eq!(plant.notify(&["--once", "--templates", path]).0, Some(0));
    assert_eq!(
        plant.one("select message ->> 'text' from audit.outbox"),
        "Oh: T1 is in trouble\n"
    );
    assert_eq!(
        plant.notify(&["--once", "--templates", "nowhere"]).0,
        Some(2)
    );
}

#[test]
fn a_service_outlives_a_restart_of_its_database() {
    let folder = Folder::new();
    let mail = MailApi::start(Options {
        directory: folder.0.join("mail"),
        api_key: KEY.to_owned(),
        preferred_port: 0,
    })
    .unwrap();
    // The socket is another one after the restart, so the address names a link to it.
    let link = folder.0.join("server");
    let start = || {
        let cluster = Cluster::start(ClusterOptions {
            keep: Some(folder.0.join("data")),
            ..ClusterOptions::default()
        })
        .unwrap();
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink(cluster.socket_directory(), &link).unwrap();
        cluster
    };
    let url = format!(
        "postgresql://postgres@/postgres?host={}&port=5432",
        link.display()
    );
    let cluster = start();
    let mut connection = audit_schema::connect(&url).unwrap();
    audit_schema::migrate(&mut connection).unwrap();
    connection.batch_execute(&troubles(&mail.url(), 1)).unwrap();
    drop(connection);

    let mut service = Command::new(env!("CARGO_BIN_EXE_audit-notify"))
        .args(["--follow", "--database-url", &url])
        .env("KEY", KEY)
        .env_remove("RUST_LOG")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(service.stderr.take().unwrap()).lines();
    let mut wait_for = |words: &str| {
        let found = log.any(|line| line.unwrap().contains(words));
        assert!(found, "it ended without `{words}`");
    };
    wait_for("delivered");
    drop(cluster);
    wait_for("trying the database again");
    let cluster = start();
    wait_for("the database is back");
    let mut connection = audit_schema::connect(&url).unwrap();
    connection
        .batch_execute("insert into public.trouble values ('new')")
        .unwrap();
    drop(connection);
    wait_for("delivered");
    let id = service.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .unwrap()
            .success()
    );
    assert!(service.wait().unwrap().success());
    let subjects: Vec<String> = mail
        .messages()
        .into_iter()
        .map(|message| message.subject)
        .collect();
    assert_eq!(
        subjects,
        [
            "Critical: public.trouble, trouble, T1",
            "Critical: public.trouble, trouble, new"
        ]
    );
    drop(cluster);
}
