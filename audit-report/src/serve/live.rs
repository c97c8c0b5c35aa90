//! What tells open pages that there is something new. While somebody listens, one thread asks the database a few times a
//! second for the mark of the moment; pages compare it with the mark that they were made at.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use audit_schema::browse::{self, Mark};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use tokio::sync::{Notify, watch};

use super::{Inner, Site, guard};

/// How often the database is asked; a third of a second leaves the rest of it for drawing.
const EVERY: Duration = Duration::from_millis(200);

/// How long after a failure it is asked again.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// What is known of the moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum News {
    /// Nobody has asked yet.
    #[default]
    Unknown,
    /// The mark, as pages know it.
    Mark(String),
    /// The database does not answer.
    Lost,
    /// The server is about to end.
    End,
}

/// The news and how many wait for it.
pub(super) struct Live {
    news: watch::Sender<News>,
    wake: Notify,
    listeners: AtomicUsize,
}

impl Default for Live {
    fn default() -> Self {
        Live {
            news: watch::Sender::new(News::Unknown),
            wake: Notify::new(),
            listeners: AtomicUsize::new(0),
        }
    }
}

impl Live {
    /// How many pages wait for news.
    pub(super) fn listeners(&self) -> usize {
        self.listeners.load(Ordering::Acquire)
    }

    /// Lets all listeners go.
    pub(super) fn end(&self) {
        self.news.send_replace(News::End);
    }
}

/// Looks for news for as long as there is somebody who wants to hear it.
pub(super) async fn look(site: Arc<Inner>) {
    let mut known: Option<Mark> = None;
    loop {
        if site.live.listeners.load(Ordering::Acquire) == 0 {
            // What is known grows old while nobody looks.
            known = None;
            site.live.news.send_if_modified(|news| {
                if *news != News::End {
                    *news = News::Unknown;
                }
                false
            });
            site.live.wake.notified().await;
        }
        let began = Instant::now();
        let before = known.clone();
        let asking = Arc::clone(&site);
        let asked = tokio::task::spawn_blocking(move || {
            let mut connection = asking.pool.get()?;
            browse::mark(&mut connection, before.as_ref())
        })
        .await;
        let wait = match asked {
            Ok(Ok(mark)) => {
                tell(&site, News::Mark(mark.digest()));
                known = Some(mark);
                // A head that nobody packs takes long to look at; then it is looked at less often.
                EVERY.max(4 * began.elapsed())
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "looking for news failed");
                known = None;
                tell(&site, News::Lost);
                AFTER_FAILURE
            }
            Err(_) => AFTER_FAILURE,
        };
        tokio::time::sleep(wait).await;
    }
}

fn tell(site: &Inner, news: News) {
    site.live.news.send_if_modified(|known| {
        let new = *known != news && *known != News::End;
        if new {
            *known = news;
        }
        new
    });
}

/// A listener, who is counted for as long as the connection lasts.
struct Listener(Arc<Inner>);

impl Drop for Listener {
    fn drop(&mut self) {
        self.0.live.listeners.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The stream of events that open pages listen to.
pub(super) async fn events(State(site): State<Site>) -> Response {
    let inner = site.0;
    let before = inner.live.listeners.fetch_add(1, Ordering::AcqRel);
    let listener = Listener(Arc::clone(&inner));
    if before >= inner.options.listeners {
        return guard::plain(
            StatusCode::SERVICE_UNAVAILABLE,
            "Too many pages are open; this one is not kept up to date.\n",
        );
    }
    let mut news = inner.live.news.subscribe();
    news.mark_changed();
    inner.live.wake.notify_one();
    let stream =
        futures_util::stream::unfold((listener, news), |(listener, mut news)| async move {
            loop {
                news.changed().await.ok()?;
                let event = match &*news.borrow_and_update() {
                    News::Unknown => continue,
                    News::Mark(mark) => Event::default().event("mark").data(mark),
                    News::Lost => Event::default().event("lost").data("lost"),
                    News::End => return None,
                };
                return Some((Ok::<_, Infallible>(event), (listener, news)));
            }
        });
    Sse::new(stream)
        .keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
        .into_response()
}
