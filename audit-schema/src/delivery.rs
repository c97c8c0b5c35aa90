//! Deliveries as people look at them: which wait, which were given up and why; and driving them again.
//!
//! ```no_run
//! use audit_schema::delivery::{self, Filter, State};
//!
//! # fn main() -> audit_schema::Result<()> {
//! let mut connection = audit_schema::connect("postgresql:///shop")?;
//! let dead = Filter { states: vec![State::Dead], ..Filter::default() };
//! for delivery in delivery::list(&mut connection, &dead)? {
//!     println!("{}: {}", delivery.channel, delivery.error.unwrap_or_default());
//!     delivery::redrive(&mut connection, delivery.delivery_id)?;
//! }
//! # Ok(())
//! # }
//! ```

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Bool, Double, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use serde::Serialize;
use uuid::Uuid;

use crate::{Error, Result};

/// What became of a delivery so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It waits for its time.
    Ready,
    /// Somebody is sending it.
    Sending,
    /// The provider took it.
    Delivered,
    /// It was given up.
    Dead,
}

/// Which deliveries are meant. What is empty does not filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Only those in these states.
    pub states: Vec<State>,
    /// Only those to the channel of this name.
    pub channel: Option<String>,
    /// At most so many, the newest.
    pub limit: i64,
}

/// A delivery.
#[derive(Debug, Clone, PartialEq, QueryableByName, Serialize)]
pub struct Listed {
    /// Identifies it.
    #[diesel(sql_type = SqlUuid)]
    pub delivery_id: Uuid,
    /// The name of the channel.
    #[diesel(sql_type = Text)]
    pub channel: String,
    /// Which wire format the channel speaks.
    #[diesel(sql_type = Text)]
    pub provider: String,
    /// `firing`, `repeat`, `resolved`, `several` or `digest`.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// `ready`, `sending`, `delivered` or `dead`.
    #[diesel(sql_type = Text)]
    pub state: String,
    /// How often sending began.
    #[diesel(sql_type = Integer)]
    pub attempt: i32,
    /// How bad the alert is, as a word.
    #[diesel(sql_type = Text)]
    pub severity: String,
    /// One sentence with the numbers; of several news, about the first.
    #[diesel(sql_type = Text)]
    pub title: String,
    /// How many more news it tells.
    #[diesel(sql_type = Integer)]
    pub more: i32,
    /// The episode.
    #[diesel(sql_type = SqlUuid)]
    pub alert_id: Uuid,
    /// When it was caused.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// Not before then.
    #[diesel(sql_type = Timestamptz)]
    pub due_at: DateTime<Utc>,
    /// When the provider took it.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub delivered_at: Option<DateTime<Utc>>,
    /// What the provider calls it.
    #[diesel(sql_type = Nullable<Text>)]
    pub message_id: Option<String>,
    /// Why the last attempt failed.
    #[diesel(sql_type = Nullable<Text>)]
    pub error: Option<String>,
    /// Whether the channel is paused.
    #[diesel(sql_type = Bool)]
    pub paused: bool,
}

/// A delivery, and all that was tried.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shown {
    /// The delivery.
    pub delivery: Listed,
    /// What it says, if it was rendered already.
    pub text: Option<String>,
    /// What came of each attempt, in their order.
    pub attempts: Vec<Attempt>,
}

/// An attempt.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName, Serialize)]
pub struct Attempt {
    /// Counted from 1.
    #[diesel(sql_type = Integer)]
    pub attempt: i32,
    /// Who tried.
    #[diesel(sql_type = Nullable<Text>)]
    pub worker: Option<String>,
    /// `delivered`, `failed`, `refused`, `abandoned` or `dead`.
    #[diesel(sql_type = Text)]
    pub outcome: String,
    /// The HTTP status.
    #[diesel(sql_type = Nullable<Integer>)]
    pub status: Option<i32>,
    /// What went wrong.
    #[diesel(sql_type = Nullable<Text>)]
    pub error: Option<String>,
    /// When it is tried again.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub retry_at: Option<DateTime<Utc>>,
    /// When it ended.
    #[diesel(sql_type = Timestamptz)]
    pub ended_at: DateTime<Utc>,
}

/// A recipient that messages leave out.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName, Serialize)]
pub struct DeadRecipient {
    /// The name of the channel.
    #[diesel(sql_type = Text)]
    pub channel: String,
    /// As the policy spells it.
    #[diesel(sql_type = Text)]
    pub address: String,
    /// What the provider answered.
    #[diesel(sql_type = Text)]
    pub why: String,
    /// When.
    #[diesel(sql_type = Timestamptz)]
    pub at: DateTime<Utc>,
}

/// The deliveries of a channel in numbers, for a monitoring system.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct Figures {
    /// The name of the channel.
    #[diesel(sql_type = Text)]
    pub channel: String,
    /// Whether it is paused.
    #[diesel(sql_type = Bool)]
    pub paused: bool,
    /// How many messages wait, or are being sent.
    #[diesel(sql_type = BigInt)]
    pub waiting: i64,
    /// For how long the oldest of them has waited, in seconds; 0 if none does.
    #[diesel(sql_type = Double)]
    pub oldest_seconds: f64,
    /// How many were given up.
    #[diesel(sql_type = BigInt)]
    pub dead: i64,
    /// How often sending them was tried, by outcome: delivered, failed, refused, abandoned, dead.
    #[diesel(sql_type = Array<BigInt>)]
    pub attempts: Vec<i64>,
    /// How many, digests apart, were delivered within 0.25, 1, 5, 30, 60, 300, 1,800 and 3,600 seconds after they were caused, and in all.
    #[diesel(sql_type = Array<BigInt>)]
    pub within: Vec<i64>,
    /// The sum of these times, in seconds.
    #[diesel(sql_type = Double)]
    pub seconds: f64,
}

impl Figures {
    /// What [`attempts`](Figures::attempts) counts.
    pub const OUTCOMES: [&'static str; 5] = ["delivered", "failed", "refused", "abandoned", "dead"];
    /// The bounds of [`within`](Figures::within), in seconds.
    pub const BOUNDS: [f64; 8] = [0.25, 1.0, 5.0, 30.0, 60.0, 300.0, 1_800.0, 3_600.0];
}

impl State {
    /// All states, in the order in which a delivery goes through them.
    pub const ALL: [State; 4] = [State::Ready, State::Sending, State::Delivered, State::Dead];

    /// The word, as the database spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            State::Ready => "ready",
            State::Sending => "sending",
            State::Delivered => "delivered",
            State::Dead => "dead",
        }
    }
}

impl Default for Filter {
    fn default() -> Self {
        Filter {
            states: Vec::new(),
            channel: None,
            limit: 20,
        }
    }
}

/// What is read of a delivery.
const LISTED: &str = "select delivery.delivery_id, channel.name as channel, channel.provider, delivery.kind, delivery.state, \
        delivery.attempt, alert.severity, transition.title, cardinality(delivery.more) as more, delivery.alert_id, delivery.created_at, delivery.due_at, \
        delivery.delivered_at, delivery.provider_message_id as message_id, delivery.last_error as error, \
        exists (select from audit.channel as live where live.name = channel.name and live.retired_at is null and live.paused_at is not null) as paused \
    from audit.outbox as delivery \
    join audit.channel as channel on channel.channel_id = delivery.channel_id \
    join audit.alert as alert on alert.alert_id = delivery.alert_id \
    join audit.alert_transition as transition on transition.alert_transition_id = delivery.alert_transition_id ";

/// The newest deliveries.
///
/// # Errors
/// When the database can not be reached or refuses.
pub fn list(connection: &mut PgConnection, filter: &Filter) -> Result<Vec<Listed>> {
    let states: Vec<&str> = filter.states.iter().map(|state| state.name()).collect();
    Ok(diesel::sql_query(format!(
        "{LISTED} where (cardinality($1) = 0 or delivery.state = any ($1)) and ($2 is null or channel.name = $2) \
        order by delivery.created_at desc, delivery.alert_transition_id desc limit $3"
    ))
    .bind::<Array<Text>, _>(states)
    .bind::<Nullable<Text>, _>(filter.channel.as_deref())
    .bind::<BigInt, _>(filter.limit)
    .load(connection)?)
}

/// How many deliveries there are in all.
///
/// # Errors
/// When the database can not be reached or refuses.
pub fn count(connection: &mut PgConnection, filter: &Filter) -> Result<i64> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let states: Vec<&str> = filter.states.iter().map(|state| state.name()).collect();
    let row: Count = diesel::sql_query(
        "select count(*) as count from audit.outbox as delivery \
        join audit.channel as channel on channel.channel_id = delivery.channel_id \
        where (cardinality($1) = 0 or delivery.state = any ($1)) and ($2 is null or channel.name = $2)",
    )
    .bind::<Array<Text>, _>(states)
    .bind::<Nullable<Text>, _>(filter.channel.as_deref())
    .get_result(connection)?;
    Ok(row.count)
}

/// One delivery with all that was tried.
///
/// # Errors
/// [`Error::NotOne`], or when the database can not be reached or refuses.
pub fn show(connection: &mut PgConnection, id: &str) -> Result<Shown> {
    #[derive(QueryableByName)]
    struct Message {
        #[diesel(sql_type = Nullable<Text>)]
        text: Option<String>,
    }
    let delivery_id = find(connection, id)?;
    let delivery: Listed = diesel::sql_query(format!("{LISTED} where delivery.delivery_id = $1"))
        .bind::<SqlUuid, _>(delivery_id)
        .get_result(connection)?;
    let message: Message = diesel::sql_query(
        "select delivery.message ->> 'text' as text from audit.outbox as delivery where delivery.delivery_id = $1",
    )
    .bind::<SqlUuid, _>(delivery_id)
    .get_result(connection)?;
    let attempts = diesel::sql_query(
        "select tried.attempt, tried.worker, tried.outcome, tried.status, tried.error, tried.retry_at, tried.ended_at \
        from audit.delivery_attempt as tried where tried.delivery_id = $1 order by tried.delivery_attempt_id",
    )
    .bind::<SqlUuid, _>(delivery_id)
    .load(connection)?;
    Ok(Shown {
        delivery,
        text: message.text,
        attempts,
    })
}

/// The delivery whose identity begins so.
///
/// # Errors
/// [`Error::NotOne`] if there is none, or if there are several.
pub fn find(connection: &mut PgConnection, id: &str) -> Result<Uuid> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = SqlUuid)]
        delivery_id: Uuid,
    }
    let none = |several| Error::NotOne {
        what: "delivery",
        id: id.to_owned(),
        several,
    };
    let digits: String = id.chars().filter(|character| *character != '-').collect();
    if digits.is_empty()
        || digits.len() > 32
        || !digits.chars().all(|digit| digit.is_ascii_hexdigit())
    {
        return Err(none(false));
    }
    let found: Vec<Found> = diesel::sql_query(
        "select delivery.delivery_id from audit.outbox as delivery \
        where delivery.delivery_id between rpad($1, 32, '0')::uuid and rpad($1, 32, 'f')::uuid limit 2",
    )
    .bind::<Text, _>(&digits)
    .load(connection)?;
    match found.as_slice() {
        [one] => Ok(one.delivery_id),
        [] => Err(none(false)),
        _ => Err(none(true)),
    }
}

/// Drives a delivery again: one that was given up from its first attempt, one that waits at once. Gives the state that it
/// was in; one that is being sent or was delivered is left as it is, and `None` is one that does not exist.
///
/// # Errors
/// When the database can not be reached or refuses.
pub fn redrive(connection: &mut PgConnection, delivery_id: Uuid) -> Result<Option<State>> {
    #[derive(QueryableByName)]
    struct Previous {
        #[diesel(sql_type = Nullable<Text>)]
        state: Option<String>,
    }
    let row: Previous = diesel::sql_query("select audit.redrive_delivery($1) as state")
        .bind::<SqlUuid, _>(delivery_id)
        .get_result(connection)?;
    Ok(State::ALL
        .into_iter()
        .find(|state| row.state.as_deref() == Some(state.name())))
}

/// Drives all deliveries again that a channel gave up. Gives how many.
///
/// # Errors
/// When the database can not be reached or refuses.
pub fn redrive_channel(connection: &mut PgConnection, channel: &str) -> Result<i64> {
    #[derive(QueryableByName)]
    struct Driven {
        #[diesel(sql_type = BigInt)]
        driven: i64,
    }
    let row: Driven = diesel::sql_query("select audit.redrive($1) as driven")
        .bind::<Text, _>(channel)
        .get_result(connection)?;
    Ok(row.driven)
}

/// The recipients that messages leave out.
///
/// # Errors
/// When the database can not be reached or refuses.
pub fn dead_recipients(connection: &mut PgConnection) -> Result<Vec<DeadRecipient>> {
    Ok(diesel::sql_query(
        "select recipient.channel, recipient.address, recipient.why, recipient.at \
        from audit.dead_recipient as recipient order by recipient.channel, recipient.address",
    )
    .load(connection)?)
}

/// Leaves a recipient out of all further messages of a channel.
///
/// # Errors
/// When the database can not be reached or refuses.
pub fn leave_out(
    connection: &mut PgConnection,
    channel: &str,
    address: &str,
    why: &str,
) -> Result<()> {
    diesel::sql_query("select audit.leave_out($1, $2, $3)")
        .bind::<Text, _>(channel)
        .bind::<Text, _>(address)
        .bind::<Text, _>(why)
        .execute(connection)?;
    Ok(())
}

/// Writes to a recipient again that was left out. False if it was not.
///
/// # Errors
/// When the database can not be reached or refuses.
pub fn take_back_in(connection: &mut PgConnection, channel: &str, address: &str) -> Result<bool> {
    #[derive(QueryableByName)]
    struct Answer {
        #[diesel(sql_type = Bool)]
        answer: bool,
    }
    let row: Answer = diesel::sql_query("select audit.take_back_in($1, $2) as answer")
        .bind::<Text, _>(channel)
        .bind::<Text, _>(address)
        .get_result(connection)?;
    Ok(row.answer)
}

/// The deliveries of every channel in numbers. Reads them all.
///
/// # Errors
/// When the database can not be reached or refuses.
pub fn figures(connection: &mut PgConnection) -> Result<Vec<Figures>> {
    let within: String = (1..=Figures::BOUNDS.len())
        .map(|place| format!("count(*) filter (where passed.seconds <= ($1)[{place}]), "))
        .collect();
    let attempts: Vec<String> = (1..=Figures::OUTCOMES.len())
        .map(|place| format!("count(*) filter (where made.outcome = ($2)[{place}])"))
        .collect();
    Ok(diesel::sql_query(format!(
        "select channel.name as channel, channel.paused_at is not null as paused, channel.waiting, channel.dead, \
            coalesce(extract(epoch from clock_timestamp() - channel.waiting_since), 0)::float8 as oldest_seconds, \
            tried.attempts, took.within, took.seconds \
        from audit.channel_state as channel \
        cross join lateral ( \
            select array[{}] as attempts \
            from audit.delivery_attempt as made \
            join audit.outbox as delivery on delivery.delivery_id = made.delivery_id \
            join audit.channel as former on former.channel_id = delivery.channel_id \
            where former.name = channel.name \
        ) as tried \
        cross join lateral ( \
            select array[{within}count(*)] as within, coalesce(sum(passed.seconds), 0)::float8 as seconds \
            from ( \
                select extract(epoch from delivery.delivered_at - delivery.created_at)::float8 as seconds \
                from audit.outbox as delivery \
                join audit.channel as former on former.channel_id = delivery.channel_id \
                where former.name = channel.name and delivery.state = 'delivered' and delivery.kind <> 'digest' \
            ) as passed \
        ) as took \
        order by channel.name",
        attempts.join(", ")
    ))
    .bind::<Array<Double>, _>(Figures::BOUNDS.as_slice())
    .bind::<Array<Text>, _>(Figures::OUTCOMES.as_slice())
    .load(connection)?)
}
