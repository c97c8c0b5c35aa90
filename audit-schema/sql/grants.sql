-- Who may do what, after everything is there. Writers of watched tables need nothing of this.
--
-- audit_reader reads everything; audit_operator works on alerts and on quarantined rows; audit_admin declares. None of
-- them writes the log, the findings or the history: functions of audit_owner do.

revoke all on all tables in schema audit, audit_compiled from public;
revoke all on all routines in schema audit, audit_compiled from public;

-- Usage of a schema shows names, not rows. Everybody needs it to say on whose behalf they write.
grant usage on schema audit to public;
grant execute on function audit.set_context(text, text, timestamptz) to public;

-- An application may call migrate() as a role without any right, and learn that there is nothing to do.
grant select on audit.migration, audit.source to public;

grant select on all tables in schema audit, audit_compiled to audit_reader, audit_operator, audit_admin;
-- But for what would bring back the values of redacted and hashed columns: only functions of the owner read it.
revoke all on audit.hash_salt, audit.quarantine_secret from audit_reader, audit_operator, audit_admin;

-- Whether hours are on.
grant execute on function audit._hours_left(jsonb, timestamptz) to audit_reader, audit_operator, audit_admin;

-- Declarations.
grant insert, update on audit.watched_table, audit.rule, audit.summary to audit_admin;

-- Alerts and deliveries. `audit-notify` logs in as a member of audit_operator.
grant insert, update on audit.alert_policy, audit.channel, audit.route to audit_admin;
grant execute on function
    audit.latest_episodes(timestamptz),
    audit.observe(timestamptz),
    audit.record_alerts(timestamptz, jsonb),
    audit.acknowledge(uuid, text, timestamptz),
    audit.snooze(uuid, timestamptz, text, timestamptz),
    audit.resolve(uuid, text, timestamptz),
    audit.silences_at(timestamptz),
    audit.add_silence(jsonb, timestamptz, text, timestamptz, timestamptz),
    audit.end_silence(uuid, text, timestamptz),
    audit.claim_deliveries(text, interval, integer, integer, integer[], timestamptz),
    audit.keep_message(uuid, uuid, jsonb, bytea),
    audit.complete_delivery(uuid, uuid, integer, text, timestamptz),
    audit.fail_delivery(uuid, uuid, text, integer, interval, boolean, integer, double precision, timestamptz),
    audit.release_delivery(uuid, uuid, interval, timestamptz),
    audit.refuse_delivery(uuid, uuid, text, integer, timestamptz),
    audit.resume_channel(text),
    audit.redrive(text),
    audit.redrive_delivery(uuid),
    audit.leave_out(text, text, text),
    audit.take_back_in(text, text)
to audit_operator, audit_admin;

-- Watching and declaring. These run with the rights of the caller, who must own the table; the parts that only the
-- owner of the pipeline may do are functions of their own.
grant execute on function
    audit.watch(regclass, text, text), audit.unwatch(regclass), audit.compile(regclass, boolean), audit._unstarted_summaries(integer), audit._compile_summaries(integer, boolean),
    audit.declare_rule(regclass, text, text, jsonb, text, text, text, text, text, interval, text, text, double precision, boolean, text), audit.retire_rule(integer),
    audit.declare_summary(regclass, text, jsonb), audit.retire_summary(integer),
    audit._canonical(regclass, text, boolean), audit._view_definition(text), audit._expression_type(regclass, text), audit._refuse_unstable(regclass, text, text), audit._has_ends(text), audit._reference(integer, text, jsonb), audit._bucket_start(jsonb, text),
    audit._rule_source(regclass, text, text, jsonb, text, text), audit._predicate(text, jsonb), audit._format_pattern(text), audit._iban_rest(text), audit._bucket(regclass, jsonb), audit._log_column(regclass, text),
    audit._refuse_hidden_rows(regclass), audit._compile(integer, text), audit._needs_scan(integer), audit._forget(integer, boolean), audit._relatives(regclass), audit._missing_rights(regclass), audit._drop_summary(text)
to audit_admin;

-- What is wrong.
grant execute on function
    audit.doctor(interval, bigint), audit._doctor_privacy(), audit._doctor_tables(), audit._doctor_log(interval, bigint), audit._doctor_horizon(interval), audit._doctor_trust(), audit._doctor_deliveries(interval)
to audit_reader, audit_operator, audit_admin;

-- Evidence of rejections. Grant audit.record_rejection() to applications that hand theirs in.
grant execute on function audit.keep_rejections(text) to audit_admin;
grant execute on function audit.record_rejection(json) to audit_operator, audit_admin;

-- Rows in quarantine.
grant execute on function audit._select_held(jsonb, bigint) to audit_reader, audit_operator, audit_admin;
grant execute on function
    audit.edit_held(jsonb, jsonb, text, boolean, bigint),
    audit.release_held(jsonb, text, boolean, boolean, bigint),
    audit.discard_held(jsonb, text, boolean, bigint)
to audit_operator, audit_admin;

-- What the log must not know, and how long it remembers.
grant execute on function audit.redact(regclass, text[], text[]), audit.declare_retention(regclass, jsonb), audit._hidden_reads(), audit._kept(text) to audit_admin;
grant execute on function audit._hidden(integer), audit._unsaid(text) to audit_reader, audit_operator, audit_admin;
-- How old something is, for those who draw it.
grant execute on function audit._time_within(timestamptz, timestamptz, text) to audit_reader, audit_operator;

-- The tick, and what is read through functions.
grant execute on function audit.tick(timestamptz, integer, interval), audit.retain(timestamptz, integer, interval) to audit_operator, audit_admin;
grant execute on function audit.history(regclass, text), audit.verify(), audit.replay_differences(regclass)
to audit_reader, audit_operator, audit_admin;

-- Reading the log back, and taking back what it tells: with the rights of the caller on the log and on the tables, and
-- so with all functions below.
grant execute on function
    audit.as_of(regclass, timestamptz, text), audit.as_of(text, timestamptz, text), audit.as_of(anyelement, timestamptz),
    audit.undo(pg_lsn, xid8, text, timestamptz, timestamptz, regclass, boolean),
    audit._rows(integer, json, json, text[], boolean), audit._objects(json), audit._packed_rows(audit.segment, text[]),
    audit._contexts(integer, pg_lsn[], xid8[], timestamptz[], timestamptz[], json), audit._context_at(json, bigint), audit._row_at(json, bigint),
    audit._paired(jsonb, jsonb, text[]), audit._key(jsonb, text[]), audit._composite_key(jsonb, text[]), audit._keys(json, text[]),
    audit._key_hash(integer, text), audit._segments_with_key(integer, text), audit._changes_of(integer, text),
    audit._changes(integer, timestamptz, timestamptz, pg_lsn, xid8), audit._truncates(integer), audit._readable(regclass, boolean),
    audit._rewind(regclass, timestamptz, boolean), audit._say_unknown(regclass), audit._hidden_key(audit.watched_table), audit._rewound(audit.watched_table, boolean, boolean), audit._led_back(numeric),
    audit._key_is(regclass, text[], text), audit._log_column(regclass, text), audit._log_key(regclass, text[]), audit._log_object(regclass, boolean, text), audit._filled(text, jsonb),
    audit._undo_plan(pg_lsn, xid8, text, timestamptz, timestamptz, integer),
    audit._undo_statement(text, text[], text, text[], "char", jsonb, jsonb),
    audit._altered(audit.watched_table, text[], jsonb[]), audit._lock_rows(audit.watched_table, text[]), audit._cascade_query(regclass, text[])
to audit_reader, audit_operator, audit_admin;

-- Anybody may run DDL on his own tables. PostgreSQL refuses the calls outside an event trigger.
grant execute on function
    audit.recompile_after_ddl(), audit._rights_to_lend(), audit._recompile_changed(text), audit._foreign_children(), audit._strange_triggers(),
    audit.forget_after_drop(), audit._forget_dropped(text)
to public;

-- Planning and applying a policy. A plan tries rules and counts what they would fail with the rights of the caller.
grant execute on function
    audit._preview_watch(regclass), audit._check_alert(jsonb, integer),
    audit.declare_alert(text, jsonb, text), audit.retire_alert(integer),
    audit.declare_channel(text, text, jsonb, integer, integer), audit.retire_channel(integer),
    audit.declare_routes(jsonb),
    audit.declare_silence(text, jsonb, timestamptz), audit.retire_silence(uuid, timestamptz), audit.limit_silences(interval),
    audit._scan_rule(integer), audit._sample_rule(integer, double precision), audit._compiled_rule(integer, text),
    audit._lock_for_apply(regclass, text, interval)
to audit_admin;
grant insert on audit.applied_policy to audit_admin;

-- Time-driven rules: declared with the rights of the caller, asked by the tick.
grant execute on function
    audit._check_time_rule(regclass, text, text, jsonb, text, text, text, text), audit._canonical_query(text), audit._try_question(integer), audit._ask(audit.rule),
    audit._ask_parts(audit.rule, regclass), audit._ask_fresh(audit.rule, regclass), audit._ask_gap(audit.rule, regclass), audit._ask_row_count(audit.rule, regclass),
    audit._ask_volume(audit.rule, regclass), audit._ask_reconcile(audit.rule, regclass), audit._ask_sql(audit.rule), audit._reads_hidden(audit.rule), audit._ask_bounds(audit.rule),
    audit._stretch(text, interval, text, boolean), audit._calendar_unit(interval), audit._calendar_step(interval),
    audit._time_within(timestamptz, timestamptz, text)
to audit_admin;
grant execute on function audit.due_rules(timestamptz), audit.ask_rule(integer, timestamptz), audit.record_rule_error(integer, timestamptz, text)
to audit_operator, audit_admin;

-- Checking the rows that are there. A check of rules that are not applied yet reads with the rights of the caller.
grant execute on function audit.begin_check(regclass, text[], boolean), audit.check_batch(bigint, integer) to audit_operator, audit_admin;
grant execute on function
    audit._check_plan(integer, text[]), audit._check_results(jsonb), audit._check_step(jsonb, jsonb, integer), audit._check_next(jsonb, jsonb, integer),
    audit._check_range(jsonb, jsonb, jsonb), audit._check_rule(jsonb, jsonb, jsonb, text, jsonb, jsonb),
    audit._check_failing(jsonb, jsonb, jsonb, text, jsonb, jsonb), audit._check_whole(jsonb, jsonb),
    audit._check_columns(regclass), audit._check_parts(regclass), audit._check_unique(regclass, text[], text, text),
    audit._check_overlap(regclass, jsonb, text, text, text), audit._log_key(regclass, text[])
to audit_admin;

-- Suggesting reads with the rights of the caller on the table.
grant execute on function
    audit._suggest_table(regclass, bigint), audit._suggest_column(regclass, text, text, text, text),
    audit._suggest_format(text, text, text[]), audit._suggest_references(regclass, text, text, text),
    audit._suggest_duplicates(text, text[]), audit._check_parts(regclass), audit._predicate(text, jsonb), audit._format_pattern(text),
    audit._iban_rest(text)
to audit_reader, audit_operator, audit_admin;
