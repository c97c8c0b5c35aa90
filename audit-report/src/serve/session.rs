//! Who signed in. Sessions live in memory: a restart signs everybody out, and the database keeps nothing of them.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use uuid::Uuid;

/// A token that can be guessed is none.
pub(super) const SHORTEST_TOKEN: usize = 16;

pub(super) const COOKIE: &str = "audit_session";

/// How long a session lasts, used or not.
pub(super) const LASTS: Duration = Duration::from_secs(8 * 3600);

/// How long it lasts unused.
const RESTS: Duration = Duration::from_secs(3600);

/// As many sessions as there can be; the oldest makes room.
const MOST: usize = 1_000;

/// How often a wrong token may be tried from one address within the time below, and from all together.
const TRIES: usize = 5;
const TRIES_OF_ALL: usize = 50;
const TRIES_WITHIN: Duration = Duration::from_secs(300);

/// A person who signed in.
#[derive(Clone, Debug)]
pub(super) struct Session {
    /// What the person said their name is: what they do is recorded under it.
    pub(super) name: String,
    /// What every form of this session has to show.
    pub(super) secret: String,
    began: Instant,
    used: Instant,
}

/// All of them, by the digest of what their cookies hold.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    open: HashMap<[u8; 32], Session>,
    failed: VecDeque<(Instant, IpAddr)>,
}

impl Sessions {
    /// Opens a session, and returns what its cookie holds.
    pub(super) fn begin(&mut self, name: &str) -> String {
        let now = Instant::now();
        self.forget(now);
        if self.open.len() >= MOST
            && let Some(oldest) = self
                .open
                .iter()
                .min_by_key(|(_, session)| session.used)
                .map(|(id, _)| *id)
        {
            self.open.remove(&oldest);
        }
        let id = random();
        self.open.insert(
            digest(&id),
            Session {
                name: name.to_owned(),
                secret: random(),
                began: now,
                used: now,
            },
        );
        id
    }

    /// The session of a cookie. Looking up a digest tells nothing by the time it takes.
    pub(super) fn find(&mut self, id: &str) -> Option<Session> {
        let now = Instant::now();
        let key = digest(id);
        let session = self.open.get_mut(&key)?;
        if is_over(session, now) {
            self.open.remove(&key);
            return None;
        }
        session.used = now;
        Some(session.clone())
    }

    pub(super) fn end(&mut self, id: &str) {
        self.open.remove(&digest(id));
    }

    /// Whether a token may be tried from this address.
    pub(super) fn may_try(&mut self, from: IpAddr) -> bool {
        let now = Instant::now();
        while self
            .failed
            .front()
            .is_some_and(|(at, _)| now.duration_since(*at) > TRIES_WITHIN)
        {
            self.failed.pop_front();
        }
        self.failed.len() < TRIES_OF_ALL
            && self.failed.iter().filter(|(_, who)| *who == from).count() < TRIES
    }

    /// A wrong token was tried.
    pub(super) fn has_failed(&mut self, from: IpAddr) {
        self.failed.push_back((Instant::now(), from));
    }

    fn forget(&mut self, now: Instant) {
        self.open.retain(|_, session| !is_over(session, now));
    }
}

fn is_over(session: &Session, now: Instant) -> bool {
    now.duration_since(session.began) > LASTS || now.duration_since(session.used) > RESTS
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// 244 bits from the system's source of randomness.
fn random() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

/// Whether two secrets are the same. It takes as long whatever they are: their digests are compared, all of them.
pub(super) fn same(one: &str, other: &str) -> bool {
    digest(one)
        .iter()
        .zip(digest(other))
        .fold(0, |differs, (one, other)| differs | (one ^ other))
        == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_found_by_its_cookie_until_it_ends() {
        let mut sessions = Sessions::default();
        let id = sessions.begin("Ada");
        assert_eq!(
            sessions.find(&id).map(|found| found.name),
            Some("Ada".into())
        );
        assert!(sessions.find("x").is_none());
        sessions.end(&id);
        assert!(sessions.find(&id).is_none());
    }

    #[test]
    fn whoever_guesses_has_to_wait_and_others_have_not() {
        let mut sessions = Sessions::default();
        let (one, other) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        for _ in 0..TRIES {
            assert!(sessions.may_try(one));
            sessions.has_failed(one);
        }
        assert!(!sessions.may_try(one));
        assert!(sessions.may_try(other));
    }

    #[test]
    fn only_the_same_secret_is_the_same() {
        assert!(same("abc", "abc"));
        assert!(!same("abc", "abd") && !same("abc", "ab") && !same("", "a"));
    }
}
