//! Writes one mail of each kind to a directory, to look at: `cargo run -p audit-notify --example mails -- DIRECTORY [PNG]`.

use audit_notify::message::Kind;
use audit_notify::provider::{Timeouts, open};
use audit_notify::{Channel, Envelope};
use serde_json::json;
use uuid::Uuid;

#[path = "../tests/delivery/notice.rs"]
mod notice;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().ok_or("name a directory")?;
    let picture = arguments.next().map(std::fs::read).transpose()?;
    let definition = json!({ "file": { "directory": directory } });
    let channel: Box<dyn Channel> = open("file", &definition, &|_| None, Timeouts::default())?;

    let rules = ["not_null_tailnum", "references_dest", "range_air_time"];
    let mut many: Vec<_> = rules
        .iter()
        .cycle()
        .take(24)
        .map(|rule| notice::bad_rows(rule, "important"))
        .collect();
    many.push(notice::over());
    let mails = [
        (Kind::Firing, vec![notice::blizzard()]),
        (
            Kind::Repeat,
            vec![notice::bad_rows("not_null_tailnum", "important")],
        ),
        (Kind::Resolved, vec![notice::over()]),
        (Kind::Several, many),
        (Kind::Digest, notice::day()),
    ];
    for (number, (kind, told)) in mails.into_iter().enumerate() {
        let mut delivery_id = *notice::delivery_id().as_bytes();
        delivery_id[0] = u8::try_from(number)?;
        channel.send(&Envelope {
            delivery_id: Uuid::from_bytes(delivery_id),
            message: &notice::message(kind, &told),
            picture: picture.as_deref(),
            dead: &[],
            now: chrono::Utc::now(),
        })?;
    }
    Ok(())
}
