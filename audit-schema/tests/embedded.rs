//! Private servers: they start as whoever runs this, and leave nothing behind.
#![cfg(feature = "embedded")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use audit_schema::Error;
use audit_schema::embedded::{Cluster, Options, servers};
use diesel::prelude::*;
use diesel::sql_types::Integer;

#[test]
fn a_private_server_answers() {
    let cluster = Cluster::start(Options::default()).unwrap();
    assert_eq!(answer(&cluster), 42);
}

#[test]
fn a_dropped_server_leaves_nothing_behind() {
    let cluster = Cluster::start(Options::default()).unwrap();
    let (pid, files) = (cluster.pid(), cluster.socket_directory().to_path_buf());
    assert!(is_running(pid) && files.exists());
    drop(cluster);
    assert!(!is_running(pid) && !files.exists());
}

#[test]
fn a_killed_program_leaves_neither_server_nor_files() {
    let (pid, files) = start_and_kill(None);
    assert!(eventually(|| !is_running(pid) && !files.exists()));
}

#[test]
fn a_killed_program_leaves_the_data_that_is_to_be_kept() {
    let directory = Directory::new("killed");
    let (pid, files) = start_and_kill(Some(&directory.0));
    assert!(eventually(|| !is_running(pid) && !files.exists()));
    let cluster = Cluster::start(Options::kept(&directory.0)).unwrap();
    assert_eq!(answer(&cluster), 42);
}

#[test]
fn kept_data_is_there_again() {
    let directory = Directory::new("again");
    let cluster = Cluster::start(Options::kept(&directory.0)).unwrap();
    run(&cluster, "create table kept as select 42 as answer");
    drop(cluster);
    let cluster = Cluster::start(Options::kept(&directory.0)).unwrap();
    assert_eq!(number(&cluster, "select answer from kept"), 42);
}

#[test]
fn a_stale_lock_of_a_process_id_that_is_in_use_again_does_not_matter() {
    let directory = Directory::new("stale");
    drop(Cluster::start(Options::kept(&directory.0)).unwrap());
    let own = std::process::id();
    std::fs::write(
        directory.0.join("postmaster.pid"),
        format!("{own}\n{}\n0\n5432\n\n\n\nready\n", directory.0.display()),
    )
    .unwrap();
    let cluster = Cluster::start(Options::kept(&directory.0)).unwrap();
    assert_eq!(answer(&cluster), 42);
}

#[test]
fn a_data_directory_in_use_is_refused_and_its_server_stays() {
    let directory = Directory::new("used");
    let first = Cluster::start(Options::kept(&directory.0)).unwrap();
    let refused = Cluster::start(Options::kept(&directory.0)).unwrap_err();
    assert!(matches!(refused, Error::InUse { .. }), "{refused}");
    assert_eq!(answer(&first), 42);
}

#[test]
fn two_starts_at_once_of_one_data_directory_give_one_server() {
    let directory = Directory::new("race");
    drop(Cluster::start(Options::kept(&directory.0)).unwrap());
    let results: Vec<_> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..2)
            .map(|_| scope.spawn(|| Cluster::start(Options::kept(&directory.0))))
            .collect();
        starts
            .into_iter()
            .map(|start| start.join().unwrap())
            .collect()
    });
    let (started, refused): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!(answer(started[0].as_ref().unwrap()), 42);
    assert!(
        matches!(refused[0], Err(Error::InUse { .. })),
        "{refused:?}"
    );
}

#[test]
fn data_of_another_major_version_is_refused() {
    let directory = Directory::new("major");
    drop(Cluster::start(Options::kept(&directory.0)).unwrap());
    std::fs::write(directory.0.join("PG_VERSION"), "9\n").unwrap();
    let refused = Cluster::start(Options::kept(&directory.0)).unwrap_err();
    assert!(
        matches!(refused, Error::OtherMajor { needed: 9, .. }),
        "{refused}"
    );
}

#[test]
fn a_directory_with_other_files_is_refused_and_not_touched() {
    let directory = Directory::new("other");
    std::fs::write(directory.0.join("letter.txt"), "dear").unwrap();
    let refused = Cluster::start(Options::kept(&directory.0)).unwrap_err();
    assert!(matches!(refused, Error::NotACluster { .. }), "{refused}");
    assert_eq!(std::fs::read_dir(&directory.0).unwrap().count(), 1);
}

#[test]
fn without_a_server_the_error_says_what_to_install() {
    let refused = Cluster::start(Options {
        bindirs: Some(vec![PathBuf::from("/nonexistent")]),
        ..Options::default()
    });
    let message = refused.unwrap_err().to_string();
    assert!(message.contains("install"), "{message}");
}

#[test]
fn a_setting_the_server_refuses_is_reported_with_its_words_and_leaves_nothing() {
    let parent = Directory::new("refused");
    let refused = Cluster::start(Options {
        directory: Some(parent.0.clone()),
        settings: vec![("work_mem".to_owned(), "plenty".to_owned())],
        ..Options::default()
    })
    .unwrap_err();
    assert!(refused.to_string().contains("work_mem"), "{refused}");
    assert_eq!(std::fs::read_dir(&parent.0).unwrap().count(), 0);
}

#[test]
fn every_server_that_is_found_can_be_started() {
    for server in servers() {
        let cluster = Cluster::start(Options {
            bindirs: Some(vec![server.bindir.clone()]),
            ..Options::default()
        })
        .unwrap();
        assert_eq!(
            number(
                &cluster,
                "select current_setting('server_version_num')::int / 10000"
            ),
            server.major as i32
        );
    }
}

/// Not a fact but the program that `start_and_kill` runs: it starts a server, says which, and waits to be killed.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the arguments of a test program belong to the test harness"
)]
fn a_program_that_waits_to_be_killed() {
    if std::env::var_os(VICTIM).is_none() {
        return;
    }
    let options = std::env::var_os(KEEP).map_or_else(Options::default, Options::kept);
    let cluster = Cluster::start(options).unwrap();
    let said = format!("{} {}", cluster.pid(), cluster.socket_directory().display());
    std::fs::write(std::env::var_os(VICTIM).unwrap(), said).unwrap();
    loop {
        std::thread::park();
    }
}

const VICTIM: &str = "AUDIT_TEST_VICTIM";
const KEEP: &str = "AUDIT_TEST_KEEP";

/// Runs a program that starts a server, kills it with SIGKILL, and tells the server's process id and directory.
fn start_and_kill(keep: Option<&Path>) -> (i32, PathBuf) {
    let notes = Directory::new("notes");
    let note = notes.0.join("note");
    let mut victim = Command::new(std::env::current_exe().unwrap());
    victim
        .args(["--exact", "a_program_that_waits_to_be_killed"])
        .env(VICTIM, &note)
        .stdout(Stdio::null());
    if let Some(keep) = keep {
        victim.env(KEEP, keep);
    }
    let mut victim = victim.spawn().unwrap();
    let mut said = String::new();
    assert!(eventually(|| {
        said = std::fs::read_to_string(&note).unwrap_or_default();
        said.contains('/')
    }));
    victim.kill().unwrap();
    victim.wait().unwrap();
    let (pid, files) = said.split_once(' ').unwrap();
    (pid.parse().unwrap(), PathBuf::from(files))
}

fn is_running(pid: i32) -> bool {
    Command::new("ps")
        .args(["-p", &pid.to_string()])
        .stdout(Stdio::null())
        .status()
        .unwrap()
        .success()
}

/// Waits for what happens in another process.
fn eventually(mut holds: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(60) {
        if holds() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}

fn answer(cluster: &Cluster) -> i32 {
    number(cluster, "select 42")
}

fn number(cluster: &Cluster, query: &str) -> i32 {
    let mut connection = audit_schema::connect(&cluster.url("postgres")).unwrap();
    diesel::select(diesel::dsl::sql::<Integer>(&format!("({query})")))
        .get_result(&mut connection)
        .unwrap()
}

fn run(cluster: &Cluster, statement: &str) {
    let mut connection = audit_schema::connect(&cluster.url("postgres")).unwrap();
    diesel::sql_query(statement)
        .execute(&mut connection)
        .unwrap();
}

/// A directory of a test's own that any account can enter and write, removed at the end.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        use std::os::unix::fs::PermissionsExt;
        let path = PathBuf::from(
            format!(
                "/tmp/audit-test-{}-{name}-{:?}",
                std::process::id(),
                std::thread::current().id()
            )
            .replace(['(', ')'], ""),
        );
        std::fs::create_dir(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o777)).unwrap();
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
