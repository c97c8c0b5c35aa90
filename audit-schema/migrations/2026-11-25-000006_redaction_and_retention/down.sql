drop index audit.quarantine_decided;
alter table audit.progress drop column delivered, drop column retained_at;
alter table audit.table_counter_base drop column released, drop column discarded;
alter table audit.rule_activity_base drop column rejected;
drop table audit.dropped_segment, audit.retention, audit.quarantine_secret, audit.hash_salt;
alter table audit.watched_table
    drop constraint watched_table_column_is_redacted_or_hashed,
    drop column redact,
    drop column hash,
    drop column hidden_at,
    drop column retain,
    drop column kept_from;
