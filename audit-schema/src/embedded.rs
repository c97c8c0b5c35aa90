//! A private PostgreSQL server, started from the binaries that are installed on this machine.
//!
//! It listens on a unix socket in a directory that only its own account can enter, so it needs no port, no password
//! and no configuration. When the [`Cluster`] is dropped, or the program ends in any other way (`kill -9` too), the
//! server stops and its files are removed; a data directory that is to be kept stays and can be started again.
//!
//! ```no_run
//! use audit_schema::embedded::{Cluster, Options};
//!
//! let cluster = Cluster::start(Options::default())?;
//! let mut connection = audit_schema::connect(&cluster.url("postgres"))?;
//! audit_schema::migrate(&mut connection)?;
//! # Ok::<(), audit_schema::Error>(())
//! ```
//!
//! # Which server
//!
//! [`Options::bindirs`] if it is given, else the directories in the environment variable `PG_BINDIRS`, else what the
//! usual packages install (Debian, Red Hat, Homebrew) and what is on the `PATH`. The newest one is taken; for a data
//! directory that exists already, the one of its major version.
//!
//! # As root
//!
//! PostgreSQL refuses to run as root. Started by root, the server runs as the account `postgres` or else `nobody`, or
//! as the owner of the data directory that is kept. That account must be able to enter the directory, which rules out
//! everything below `/root`.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::error::{Error, Result};

/// How to start a private server.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Keep the data in this directory, which is made if it does not exist. Without one the data goes when the server
    /// stops.
    pub keep: Option<PathBuf>,
    /// Where the files of a server go whose data is not kept; the system's directory for temporary files by default.
    pub directory: Option<PathBuf>,
    /// Whether committed data must survive a crash of the machine. A crash of the server or of this program loses
    /// nothing either way.
    pub durable: bool,
    /// Settings of `postgresql.conf`, name and value.
    pub settings: Vec<(String, String)>,
    /// Directories that hold the binaries `initdb` and `postgres`, instead of those found on this machine.
    pub bindirs: Option<Vec<PathBuf>>,
}

impl Options {
    /// A server whose data stays in `directory` and survives a crash of the machine.
    #[must_use]
    pub fn kept(directory: impl Into<PathBuf>) -> Self {
        Self {
            keep: Some(directory.into()),
            durable: true,
            ..Self::default()
        }
    }
}

/// A server that is installed on this machine.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Server {
    /// Its major version.
    pub major: u32,
    /// The directory of its binaries.
    pub bindir: PathBuf,
}

/// A running private server. It stops when this is dropped.
#[derive(Debug)]
pub struct Cluster {
    server: Server,
    work: PathBuf,
    data: PathBuf,
    pid: i32,
    watchdog: Child,
}

impl Cluster {
    /// Starts a server and waits until it accepts connections.
    ///
    /// # Errors
    ///
    /// [`Error::NoServer`] when none is installed; [`Error::InUse`], [`Error::OtherMajor`] and [`Error::NotACluster`]
    /// for a directory that can not be kept; [`Error::Start`] with the end of the server's log when it fails.
    pub fn start(options: Options) -> Result<Self> {
        let data = options.keep.as_deref().map(prepare_kept).transpose()?;
        let account = account(data.as_deref())?;
        if let (Some(data), Some(account)) = (&data, &account) {
            hand_over(data, account)?;
        }
        let server = choose(&options, account.as_ref(), data.as_deref())?;
        if let Some(data) = &data {
            release_stale_lock(data)?;
        }

        let work = work_directory(&options, account.as_ref())?;
        let data = data.unwrap_or_else(|| work.join("data"));
        let mut watchdog = command(Path::new("/bin/sh"), account.as_ref())
            .args(["-c", WATCHDOG, "audit-watchdog"])
            .args([
                work.as_os_str(),
                data.as_os_str(),
                server.bindir.as_os_str(),
            ])
            .arg(initdb_options(options.durable))
            .args(server_options(&options))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|source| Error::System {
                action: "run /bin/sh".to_owned(),
                source,
            })?;
        let mut messages =
            BufReader::new(watchdog.stdout.take().expect("standard output is piped"));
        let mut first = String::new();
        // A line that is no number is the beginning of an error, which the rest completes below.
        let _ = messages.read_line(&mut first);
        let cluster = Self {
            pid: first.trim().parse().unwrap_or(0),
            server,
            work,
            data,
            watchdog,
        };
        cluster.wait_until_ready(first, messages)
    }

    /// The address of one of its databases, for [`connect`](crate::connect) and other programs that use libpq.
    ///
    /// ```no_run
    /// # let cluster = audit_schema::embedded::Cluster::start(Default::default())?;
    /// assert!(cluster.url("postgres").starts_with("postgresql://postgres@/postgres?host="));
    /// # Ok::<(), audit_schema::Error>(())
    /// ```
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!(
            "postgresql://postgres@/{}?host={}&port={PORT}",
            percent_encode(OsStr::new(database)),
            percent_encode(self.work.as_os_str()),
        )
    }

    /// The server's major version and the directory of its binaries.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The data directory.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The directory of the socket, which also holds the server's log, `server.log`.
    #[must_use]
    pub fn socket_directory(&self) -> &Path {
        &self.work
    }

    /// The process id of the server.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid
    }

    fn wait_until_ready(
        mut self,
        first: String,
        mut messages: BufReader<ChildStdout>,
    ) -> Result<Self> {
        let lock = self.data.join("postmaster.pid");
        let begun = Instant::now();
        loop {
            if self.pid == 0 || matches!(self.watchdog.try_wait(), Ok(Some(_))) {
                let mut log = if self.pid == 0 { first } else { String::new() };
                let _ = messages.read_to_string(&mut log);
                return Err(if log.contains("lock file \"postmaster.pid\"") {
                    Error::InUse {
                        directory: self.data.clone(),
                        pid: None,
                    }
                } else {
                    Error::Start {
                        log: log.trim().to_owned(),
                    }
                });
            }
            if is_ready(&lock, self.pid) {
                return Ok(self);
            }
            if begun.elapsed() > PATIENCE {
                return Err(Error::Start {
                    log: format!("it was not ready after {} seconds", PATIENCE.as_secs()),
                });
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        let _ = self.watchdog.wait();
    }
}

/// Every server that is installed on this machine and can be run, the newest last.
///
/// Looks where the [module](self) says. This is the one place outside the command line that reads the environment.
#[must_use]
pub fn servers() -> Vec<Server> {
    let account = account(None).ok().flatten();
    servers_in(candidates(), account.as_ref())
}

const PORT: &str = "5432";
const WATCHDOG: &str = include_str!("embedded/watchdog.sh");

/// How long a server may take to start; a kept one may have to recover first.
const PATIENCE: Duration = Duration::from_secs(120);

/// The longest path of a unix socket that all systems take (macOS 103 bytes, Linux 107).
const LONGEST_SOCKET_PATH: usize = 103;

/// An account of this machine.
#[derive(Clone, Debug)]
struct Account {
    name: String,
    uid: u32,
    gid: u32,
}

/// The account to run the server as when we are root, and none when we are an ordinary user.
fn account(data: Option<&Path>) -> Result<Option<Account>> {
    // SAFETY: geteuid has no preconditions and can not fail.
    if unsafe { libc::geteuid() } != 0 {
        return Ok(None);
    }
    if let Some(owner) = data
        .and_then(|data| fs::metadata(data.join("PG_VERSION")).ok())
        .filter(|owner| owner.uid() != 0)
    {
        return Ok(Some(Account {
            name: format!("#{}", owner.uid()),
            uid: owner.uid(),
            gid: owner.gid(),
        }));
    }
    let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
    ["postgres", "nobody"]
        .iter()
        .find_map(|name| accounts.lines().find_map(|line| parse_account(line, name)))
        .ok_or(Error::NoAccount)
        .map(Some)
}

fn parse_account(line: &str, name: &str) -> Option<Account> {
    let mut fields = line.split(':');
    if fields.next() != Some(name) {
        return None;
    }
    let uid = fields.nth(1)?.parse().ok()?;
    let gid = fields.next()?.parse().ok()?;
    (uid != 0).then(|| Account {
        name: name.to_owned(),
        uid,
        gid,
    })
}

/// A command that is not disturbed by this program's environment, working directory and account.
fn command(program: &Path, account: Option<&Account>) -> Command {
    let mut command = Command::new(program);
    if let Some(account) = account {
        command.uid(account.uid).gid(account.gid);
    }
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"PG") {
            command.env_remove(name);
        }
    }
    command
        .env("LC_ALL", "C")
        .current_dir("/")
        .stdin(Stdio::null());
    command
}

/// Directories in which a server may be.
#[expect(
    clippy::disallowed_methods,
    reason = "where programs lie is what the environment is for"
)]
fn candidates() -> Vec<PathBuf> {
    if let Some(given) = std::env::var_os("PG_BINDIRS").filter(|given| !given.is_empty()) {
        return std::env::split_paths(&given).collect();
    }
    let mut candidates = Vec::new();
    for parent in [
        "/usr/lib/postgresql",
        "/opt/homebrew/opt",
        "/usr/local/opt",
        "/usr/local",
        "/usr",
    ] {
        let entries = fs::read_dir(parent).into_iter().flatten().flatten();
        // Debian has /usr/lib/postgresql/15, Homebrew …/opt/postgresql@15, packages of PostgreSQL for Red Hat /usr/pgsql-15.
        candidates.extend(
            entries
                .filter(|entry| {
                    parent.ends_with("postgresql")
                        || entry.file_name().as_encoded_bytes().starts_with(b"p")
                })
                .map(|entry| entry.path().join("bin")),
        );
    }
    candidates.extend(std::env::split_paths(
        &std::env::var_os("PATH").unwrap_or_default(),
    ));
    candidates
}

fn servers_in(candidates: Vec<PathBuf>, account: Option<&Account>) -> Vec<Server> {
    let mut servers: Vec<Server> = candidates
        .into_iter()
        .filter_map(|directory| server_in(&directory, account))
        .collect();
    servers.sort();
    servers.dedup();
    servers
}

/// The server in a directory; none if the account can not run it.
fn server_in(directory: &Path, account: Option<&Account>) -> Option<Server> {
    // The binary on the PATH may be a link to a directory that holds the other binaries too.
    let binary = directory.join("postgres").canonicalize().ok()?;
    let bindir = binary.parent()?.to_path_buf();
    if !bindir.join("initdb").is_file() {
        return None;
    }
    let output = command(&binary, account).arg("-V").output().ok()?;
    let major = parse_major(&String::from_utf8_lossy(&output.stdout))?;
    Some(Server { major, bindir })
}

/// The major version in the answer to `postgres -V`, such as `postgres (PostgreSQL) 15.14 (Debian 15.14-0)`.
fn parse_major(answer: &str) -> Option<u32> {
    let version = answer.split_whitespace().nth(2)?;
    version
        .split(|character: char| !character.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

fn choose(options: &Options, account: Option<&Account>, data: Option<&Path>) -> Result<Server> {
    let servers = servers_in(options.bindirs.clone().unwrap_or_else(candidates), account);
    let newest = servers.last().ok_or_else(|| Error::NoServer {
        install: install_command(),
    })?;
    let Some((directory, needed)) = data.and_then(|data| Some((data, major_of(data)?))) else {
        return Ok(newest.clone());
    };
    servers
        .iter()
        .rfind(|server| server.major == needed)
        .cloned()
        .ok_or_else(|| Error::OtherMajor {
            directory: directory.to_path_buf(),
            needed,
            installed: servers
                .iter()
                .map(|server| server.major.to_string())
                .collect::<Vec<_>>()
                .join(", "),
        })
}

/// The command that installs a server on this system.
fn install_command() -> String {
    [
        ("/usr/bin/apt-get", "sudo apt-get install postgresql"),
        ("/usr/bin/dnf", "sudo dnf install postgresql-server"),
        ("/usr/bin/pacman", "sudo pacman -S postgresql"),
        ("/usr/bin/zypper", "sudo zypper install postgresql-server"),
        ("/sbin/apk", "sudo apk add postgresql"),
    ]
    .iter()
    .find(|(manager, _)| Path::new(manager).exists())
    .map_or("brew install postgresql", |(_, command)| command)
    .to_owned()
}

/// Makes the directory if need be, and refuses one that holds something else.
fn prepare_kept(directory: &Path) -> Result<PathBuf> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .and_then(|()| directory.canonicalize())
        .and_then(|directory| Ok((fs::read_dir(&directory)?.next().is_none(), directory)))
        .map_err(|source| Error::System {
            action: format!("use `{}` as a data directory", directory.display()),
            source,
        })
        .and_then(|(empty, directory)| {
            if empty || major_of(&directory).is_some() {
                Ok(directory)
            } else {
                Err(Error::NotACluster { directory })
            }
        })
}

/// Gives a new data directory to the account that the server runs as.
fn hand_over(directory: &Path, account: &Account) -> Result<()> {
    if major_of(directory).is_none() {
        chown(directory, Some(account.uid), Some(account.gid)).map_err(|source| Error::System {
            action: format!(
                "give `{}` to the account `{}`",
                directory.display(),
                account.name
            ),
            source,
        })?;
    }
    let entered = command(Path::new("/bin/sh"), Some(account))
        .args(["-c", "cd -- \"$1\"", "sh"])
        .arg(directory)
        .stderr(Stdio::null())
        .status();
    if entered.is_ok_and(|status| status.success()) {
        Ok(())
    } else {
        Err(Error::Unreachable {
            directory: directory.to_path_buf(),
            account: account.name.clone(),
        })
    }
}

fn major_of(data: &Path) -> Option<u32> {
    fs::read_to_string(data.join("PG_VERSION"))
        .ok()?
        .trim()
        .parse()
        .ok()
}

/// Removes the lock file of a server that is gone.
///
/// The server does this itself, unless its old process id now belongs to some other program of the same account; that
/// is common in containers, where ids are small. So we look at what the process is: a server works in its data directory.
fn release_stale_lock(data: &Path) -> Result<()> {
    let lock = data.join("postmaster.pid");
    let remove = || {
        fs::remove_file(&lock).map_err(|source| Error::System {
            action: format!("remove the stale lock `{}`", lock.display()),
            source,
        })
    };
    let Some(pid) = first_number(&lock) else {
        // A server that is starting writes into its lock at once; one that is still empty after a minute crashed.
        let age = fs::metadata(&lock)
            .and_then(|lock| lock.modified())
            .ok()
            .and_then(|time| time.elapsed().ok());
        return if age.is_some_and(|age| age > Duration::from_secs(60)) {
            remove()
        } else {
            Ok(())
        };
    };
    let process = PathBuf::from(format!("/proc/{pid}"));
    if !process.exists() {
        return Ok(());
    }
    match fs::read_link(process.join("cwd")) {
        Ok(directory) if directory == data => Err(Error::InUse {
            directory: data.to_path_buf(),
            pid: Some(pid),
        }),
        Ok(_) => remove(),
        // A process of another account: the server knows what to do.
        Err(_) => Ok(()),
    }
}

fn first_number(path: &Path) -> Option<i32> {
    fs::read_to_string(path)
        .ok()?
        .lines()
        .next()?
        .trim()
        .parse()
        .ok()
}

/// The eighth line of the lock file says how far the server has come.
fn is_ready(lock: &Path, pid: i32) -> bool {
    let text = fs::read_to_string(lock).unwrap_or_default();
    let mut lines = text.lines();
    lines
        .next()
        .is_some_and(|line| line.trim() == pid.to_string())
        && lines.nth(6).is_some_and(|line| line.trim() == "ready")
}

/// A directory that does not exist yet and whose path is short enough for a socket.
fn work_directory(options: &Options, account: Option<&Account>) -> Result<PathBuf> {
    let name = format!("audit-{}-{:x}", std::process::id(), nanoseconds());
    let fits = |parent: &Path| {
        parent.join(&name).join(".s.PGSQL.5432").as_os_str().len() <= LONGEST_SOCKET_PATH
    };
    let temporary = std::env::temp_dir();
    let parent = match &options.directory {
        Some(directory) => directory.canonicalize().map_err(|source| Error::System {
            action: format!("use `{}` for temporary files", directory.display()),
            source,
        })?,
        // Root's own directory for temporary files is closed to the account that the server runs as.
        None if account.is_some() || !fits(&temporary) => PathBuf::from("/tmp"),
        None => temporary,
    };
    if fits(&parent) {
        Ok(parent.join(name))
    } else {
        Err(Error::PathTooLong { directory: parent })
    }
}

/// Tells apart the clusters of one process: the clock is read again until it has moved on.
fn nanoseconds() -> u128 {
    static LAST: std::sync::Mutex<u128> = std::sync::Mutex::new(0);
    let mut last = LAST
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_nanos();
    *last = now.max(*last + 1);
    *last
}

fn initdb_options(durable: bool) -> String {
    let sync = if durable { "" } else { " --no-sync" };
    format!("--username=postgres --auth=trust --encoding=UTF8 --locale=C{sync}")
}

fn server_options(options: &Options) -> Vec<String> {
    let mut settings = vec![
        ("listen_addresses", ""),
        ("port", PORT),
        ("timezone", "UTC"),
        ("log_timezone", "UTC"),
    ];
    if !options.durable {
        settings.extend([
            ("fsync", "off"),
            ("synchronous_commit", "off"),
            ("full_page_writes", "off"),
        ]);
    }
    let given = options
        .settings
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    settings
        .into_iter()
        .chain(given)
        .flat_map(|(name, value)| ["-c".to_owned(), format!("{name}={value}")])
        .collect()
}

fn percent_encode(text: &OsStr) -> String {
    text.as_encoded_bytes()
        .iter()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                char::from(*byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_major_version_is_read_from_every_form_of_the_answer() {
        assert_eq!(
            parse_major("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)"),
            Some(15)
        );
        assert_eq!(parse_major("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(parse_major("no such file"), None);
    }

    #[test]
    fn an_account_of_root_is_never_taken() {
        assert!(
            parse_account(
                "postgres:x:101:104::/var/lib/postgresql:/bin/bash",
                "postgres"
            )
            .is_some()
        );
        assert!(parse_account("nobody:x:0:0::/:/bin/sh", "nobody").is_none());
    }

    #[test]
    fn an_address_hides_no_character_of_a_path() {
        assert_eq!(percent_encode(OsStr::new("/tmp/a b")), "%2Ftmp%2Fa%20b");
    }

    #[test]
    fn clusters_of_one_process_have_different_directories() {
        assert_ne!(nanoseconds(), nanoseconds());
    }

    #[test]
    fn too_long_a_path_is_refused_before_anything_is_made() {
        let directory = std::env::temp_dir().join("x".repeat(100));
        fs::create_dir_all(&directory).unwrap();
        let options = Options {
            directory: Some(directory.clone()),
            ..Options::default()
        };
        let refused = work_directory(&options, None);
        fs::remove_dir(&directory).unwrap();
        assert!(matches!(refused, Err(Error::PathTooLong { .. })));
    }
}
