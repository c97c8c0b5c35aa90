//! What `audit.doctor()` finds: each remark is caused, seen, and healed by what the remark says.
#![cfg(feature = "embedded")]

mod shared;

use audit_schema::doctor::{self, Remark};
use audit_schema::embedded::{Cluster, Options};
use diesel::PgConnection;
use diesel::connection::SimpleConnection;
use shared::{orders, rule, run, show, tick};

/// Remarks that are not about the test: other tests' slots in the same server, and how the server was built.
const ELSEWHERE: &str = "remark = 'slot_idle' or remark = 'lz4_missing' and not exists (select from pg_settings where name = 'default_toast_compression' and 'lz4' = any (enumvals))";

/// What is wrong, a line for each remark; nothing when all is well.
#[track_caller]
fn remarks(db: &mut PgConnection) -> String {
    show(
        db,
        &format!("select severity, remark, object from audit.doctor() where not ({ELSEWHERE})"),
    )
}

/// The same as a Rust service reads it.
fn read(db: &mut PgConnection) -> Vec<Remark> {
    let elsewhere = show(
        db,
        &format!("select remark from audit.doctor() where {ELSEWHERE}"),
    );
    let mut remarks = doctor::doctor(db).unwrap();
    remarks.retain(|remark| !elsewhere.contains(&format!("({})", remark.remark)));
    remarks
}

/// A remark that one statement causes and another heals.
struct Case {
    cause: &'static str,
    remark: &'static str,
    heal: &'static str,
}

/// With the event triggers off, as they are where nobody may create them, DDL is not followed.
const UNFOLLOWED: &str = "alter event trigger audit_recompile_after_ddl disable; alter event trigger audit_forget_after_drop disable; ";

const CASES: &[Case] = &[
    Case {
        cause: "insert into audit.channel (name, provider, paused_at, paused_why) values ('ops', 'file', now(), '401')",
        remark: "(critical,channel_paused,\"channel ops\")",
        heal: "select audit.resume_channel('ops')",
    },
    Case {
        cause: "insert into audit.channel (name, provider) values ('desk', 'file'); select audit.leave_out('desk', 'ann@example.com', 'no such user')",
        remark: "(normal,recipient_left_out,\"channel desk\")",
        heal: "select audit.take_back_in('desk', 'ann@example.com')",
    },
    Case {
        cause: "drop trigger audit_update on orders",
        remark: "(critical,trigger_missing,public.orders)",
        heal: "select audit.compile('orders')",
    },
    Case {
        cause: "alter table orders disable trigger audit_insert",
        remark: "(critical,trigger_disabled,public.orders)",
        heal: "alter table public.orders enable trigger audit_insert",
    },
    Case {
        cause: "alter table orders disable trigger all",
        remark: "(critical,trigger_disabled,public.orders)",
        heal: "alter table orders enable trigger all",
    },
    Case {
        cause: "alter table orders enable replica trigger audit_insert",
        remark: "(critical,trigger_disabled,public.orders)",
        heal: "alter table orders enable trigger audit_insert",
    },
    Case {
        cause: "create or replace function audit_compiled.orders_1_insert() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as 'begin return null; end'",
        remark: "(critical,function_changed,public.orders)",
        heal: "select audit.compile('public.orders')",
    },
    Case {
        cause: r#"select audit.declare_rule('orders', 'r', 'not_null', '{"column": "region"}')"#,
        remark: "(important,declarations_not_compiled,public.orders)",
        heal: "select audit.compile('public.orders')",
    },
    Case {
        cause: "create table region_orders () inherits (orders); drop trigger audit_insert on region_orders",
        remark: "(critical,trigger_missing,public.region_orders)",
        heal: "select audit.compile('public.orders')",
    },
    Case {
        cause: "create table region_orders () inherits (orders); select audit.watch('region_orders'); select audit.compile('orders')",
        remark: "(normal,child_watched_by_itself,public.region_orders)",
        heal: "select audit.unwatch('public.region_orders'); select audit.compile('orders')",
    },
    Case {
        cause: "alter table orders enable row level security",
        remark: "(critical,row_security_hides_rows,public.orders)",
        heal: "alter table orders disable row level security",
    },
    Case {
        cause: "revoke select on orders from audit_owner",
        remark: "(critical,right_missing,public.orders)",
        heal: "grant select on orders to audit_owner",
    },
    Case {
        cause: "revoke usage on schema public from public, audit_owner",
        remark: "(critical,right_missing,public.orders)",
        heal: "grant usage on schema public to public",
    },
    Case {
        cause: r#"select audit.declare_rule('orders', 'r', 'not_null', '{"column": "region"}', action => 'quarantine'); select audit.compile('orders'); revoke delete on orders from audit_owner"#,
        remark: "(critical,right_missing,public.orders)",
        heal: "select audit.compile('orders')",
    },
    Case {
        cause: r#"create table regions (code text primary key); select audit.declare_rule('orders', 'r', 'references', '{"column": "region", "table": "public.regions", "key": "code"}'); select audit.compile('orders'); revoke select on regions from audit_owner"#,
        remark: "(critical,right_missing,public.orders)",
        heal: "select audit.compile('orders')",
    },
    Case {
        cause: r#"select audit.declare_rule('orders', 'noted', 'not_null', '{"column": "note"}', severity => 'critical'); select audit.compile('orders'); alter table orders drop column note"#,
        remark: "(critical,rule_broken,public.orders.noted)",
        heal: "alter table orders add column note text; select audit.compile('orders')",
    },
    Case {
        cause: r#"create function fair(numeric) returns boolean language sql as 'select true'; select audit.declare_rule('orders', 'fair', 'expression', '{"expression": "fair(amount)"}'); select audit.compile('orders');
            create or replace function fair(numeric) returns boolean language sql as 'select false'"#,
        remark: "(important,counters_void,public.orders)",
        heal: "select audit.compile('orders')",
    },
    Case {
        cause: "update audit.progress set ticked_at = now() - interval '1 hour'",
        remark: "(important,tick_late,audit.tick)",
        heal: "select audit.tick()",
    },
    Case {
        cause: "update audit.watched_table set watched_at = now() - interval '1 hour'",
        remark: "(important,tick_late,audit.tick)",
        heal: "select audit.tick()",
    },
    Case {
        cause: "update audit.progress set folded_below = '999999999'",
        remark: "(critical,transaction_ids_ran_backward,audit.tick)",
        heal: "update audit.progress set folded_below = '0'",
    },
    Case {
        cause: "alter table audit.change set (autovacuum_enabled = off)",
        remark: "(normal,autovacuum_off,audit.change)",
        heal: "alter table audit.change reset (autovacuum_enabled)",
    },
    Case {
        cause: "alter table audit.change alter column new set compression pglz",
        remark: "(low,lz4_missing,audit.change)",
        heal: "alter table audit.change alter column new set compression lz4",
    },
    Case {
        cause: "alter table audit.change disable trigger audit_append_only",
        remark: "(critical,log_unprotected,audit.change)",
        heal: "alter table audit.change enable trigger audit_append_only",
    },
    Case {
        cause: "insert into orders values (1, 'EU', 1, null); drop trigger audit_append_only on audit.finding",
        remark: "(critical,log_unprotected,audit.finding)",
        heal: "select audit._protect('audit.finding')",
    },
    Case {
        cause: "alter table audit.finding owner to postgres",
        remark: "(critical,owner_changed,audit.finding)",
        heal: "alter table audit.finding owner to audit_owner",
    },
    Case {
        cause: "alter function audit.tick(timestamptz, integer, interval) owner to postgres",
        remark: "(critical,owner_changed,\"audit.tick(timestamp with time zone,integer,interval)\")",
        heal: "alter routine audit.tick(timestamp with time zone,integer,interval) owner to audit_owner",
    },
    Case {
        cause: "grant create on schema audit_compiled to audit_admin",
        remark: "(critical,schema_open,audit_compiled)",
        heal: "revoke create on schema audit_compiled from audit_admin",
    },
    Case {
        cause: "grant create on schema audit to public",
        remark: "(critical,schema_open,audit)",
        heal: "revoke create on schema audit from public",
    },
    Case {
        cause: "grant insert on audit.change to audit_admin; grant delete on audit.segment to public",
        remark: "(critical,log_writable,audit.change)\n(critical,log_writable,audit.segment)",
        heal: "revoke insert on audit.change from audit_admin; revoke delete on audit.segment from public",
    },
    Case {
        cause: "set session_replication_role = replica",
        remark: "(critical,triggers_bypassed,\"this session\")",
        heal: "reset session_replication_role",
    },
    Case {
        cause: "drop event trigger audit_recompile_after_ddl",
        remark: "(important,event_trigger_missing,audit_recompile_after_ddl)",
        heal: "create event trigger audit_recompile_after_ddl on ddl_command_end execute function audit.recompile_after_ddl()",
    },
    Case {
        cause: "alter event trigger audit_forget_after_drop disable",
        remark: "(important,event_trigger_missing,audit_forget_after_drop)",
        heal: "alter event trigger audit_forget_after_drop enable",
    },
    Case {
        cause: r#"select audit.declare_rule('orders', 'r', 'not_null', '{"column": "region"}', action => 'reject'); select audit.compile('orders'); set log_min_messages = fatal"#,
        remark: "(normal,evidence_not_kept,log_min_messages)",
        heal: "reset log_min_messages",
    },
    Case {
        cause: "insert into audit.setting (name, value) values ('rejection_server', 'nowhere')",
        remark: "(important,second_connection_broken,\"server nowhere\")\n(important,second_connection_broken,\"server nowhere\")",
        heal: "select audit.keep_rejections(null)",
    },
];

#[test]
fn a_fresh_installation_has_nothing_wrong() {
    let (_database, mut db) = orders();
    assert_eq!(remarks(&mut db), "");
    run(&mut db, "insert into orders values (1, 'EU', 1, null)");
    tick(&mut db);
    assert_eq!(remarks(&mut db), "");
    assert_eq!(read(&mut db), []);
}

#[test]
fn each_remark_is_caused_and_healed() {
    for case in CASES {
        let (_database, mut db) = orders();
        // Not every server is built with LZ4.
        if case.heal.ends_with("lz4") && db.batch_execute(case.heal).is_err() {
            continue;
        }
        run(&mut db, case.cause);
        assert_eq!(remarks(&mut db), case.remark, "{}", case.cause);
        run(&mut db, case.heal);
        assert_eq!(remarks(&mut db), "", "{}", case.heal);
    }
}

#[test]
fn what_to_do_is_a_statement_that_heals() {
    for (cause, remark) in [
        ("drop trigger audit_update on orders", "trigger_missing"),
        ("alter table orders disable trigger all", "trigger_disabled"),
        (
            "grant insert on audit.change to audit_admin",
            "log_writable",
        ),
        ("grant create on schema audit to public", "schema_open"),
        (
            "alter table audit.change set (autovacuum_enabled = off)",
            "autovacuum_off",
        ),
        (
            "alter event trigger audit_forget_after_drop disable",
            "event_trigger_missing",
        ),
        (
            "alter table audit.finding owner to postgres",
            "owner_changed",
        ),
        (
            "alter event trigger audit_forget_after_drop disable; drop table orders; alter event trigger audit_forget_after_drop enable",
            "table_dropped",
        ),
    ] {
        let (_database, mut db) = orders();
        run(&mut db, cause);
        let found = read(&mut db);
        let todo: Vec<_> = found
            .iter()
            .map(|found| (found.remark.as_str(), found.todo.as_str()))
            .collect();
        assert_eq!(todo.len(), 1, "{todo:?}");
        assert_eq!(todo[0].0, remark);
        run(&mut db, todo[0].1);
        assert_eq!(remarks(&mut db), "", "{}", todo[0].1);
    }
}

#[test]
fn ddl_that_was_not_followed_is_seen() {
    for (cause, remark) in [
        (
            "drop table orders",
            "(critical,table_dropped,public.orders)",
        ),
        (
            "alter table orders add column colour text",
            "(important,shape_drifted,public.orders)",
        ),
        (
            "alter table orders drop column note",
            "(important,shape_drifted,public.orders)",
        ),
        (
            "alter table orders drop constraint orders_pkey",
            "(important,shape_drifted,public.orders)",
        ),
        (
            "alter table orders rename to purchases",
            "(important,shape_drifted,public.orders)",
        ),
        (
            "create table special () inherits (orders)",
            "(critical,right_missing,public.special)\n(critical,right_missing,public.special)\n(critical,trigger_missing,public.special)\n(important,shape_drifted,public.orders)",
        ),
        (
            "create foreign data wrapper w; create server s foreign data wrapper w; create foreign table f () inherits (orders) server s; grant select, trigger on f to audit_owner",
            "(critical,foreign_child,public.f)\n(important,shape_drifted,public.orders)",
        ),
    ] {
        let (_database, mut db) = orders();
        run(&mut db, &format!("{UNFOLLOWED}{cause}"));
        let seen = show(
            &mut db,
            &format!(
                "select severity, remark, object from audit.doctor() where remark <> 'event_trigger_missing' and not ({ELSEWHERE})"
            ),
        );
        assert_eq!(seen, remark, "{cause}");
    }
}

#[test]
fn who_holds_the_horizon_back_is_named() {
    let (database, mut db) = orders();
    let mut other = database.connect();
    run(
        &mut other,
        "set application_name = 'report'; begin; insert into orders values (1, 'EU', 1, null)",
    );
    let pid = show(&mut other, "select pg_backend_pid()");
    run(&mut db, "insert into orders values (2, 'EU', 1, null)");
    let held = format!(
        "select count(*) from audit.doctor(late => '0') where remark = 'horizon_held' and object = 'pid ' || {pid} and what ~ 'report'"
    );
    assert_eq!(show(&mut db, &held), "(1)");
    // A reader of the log without further rights learns the process at least.
    run(
        &mut db,
        "do $$ begin create role looker in role audit_reader; exception when duplicate_object then null; end $$; set role looker",
    );
    assert_eq!(
        show(&mut db, &held.replace(" and what ~ 'report'", "")),
        "(1)"
    );
    run(&mut db, "reset role");
    run(&mut other, "prepare transaction 'held_by_the_doctor'");
    let prepared = "select count(*) from audit.doctor(late => '0') where remark = 'horizon_held' and object = 'prepared transaction held_by_the_doctor'";
    assert_eq!(show(&mut db, &held), "(0)");
    assert_eq!(show(&mut db, prepared), "(1)");
    run(&mut other, "commit prepared 'held_by_the_doctor'");
    assert_eq!(show(&mut db, prepared), "(0)");
}

#[test]
fn a_head_that_is_long_or_bloated_is_seen() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "insert into orders select i, 'EU', 1, md5(i::text) from generate_series(1, 20000) i; insert into orders values (0)",
    );
    let head =
        "select remark from audit.doctor(late => '0', head_bytes => 1000) where remark ~ '^head'";
    assert_eq!(show(&mut db, head), "(head_long)");
    tick(&mut db);
    run(&mut db, "insert into orders values (-1)");
    assert_eq!(
        show(
            &mut db,
            "select remark from audit.doctor(late => '1 hour', head_bytes => 1000) where remark ~ '^head'"
        ),
        "(head_bloated)"
    );
    tick(&mut db);
    run(&mut db, "vacuum full audit.change");
    run(&mut db, "insert into orders values (-2)");
    assert_eq!(
        show(
            &mut db,
            "select remark from audit.doctor(late => '1 hour', head_bytes => 1000) where remark ~ '^head'"
        ),
        ""
    );
    assert_eq!(remarks(&mut db), "");
}

#[test]
fn a_segment_that_was_tampered_with_is_seen_when_it_is_the_newest() {
    let (_database, mut db) = orders();
    for id in 1..4 {
        run(
            &mut db,
            &format!("insert into orders values ({id}, 'EU', 1, null)"),
        );
        tick(&mut db);
    }
    assert_eq!(remarks(&mut db), "");
    run(
        &mut db,
        "alter table audit.segment disable trigger all; do $$ begin
            execute format('alter table audit.%I disable trigger all', 'segment_' || to_char(now(), 'YYYY_MM'));
        end $$;
        update audit.segment set new = '{\"id\":[9]}' where segment_id = 3;
        alter table audit.segment enable trigger all; do $$ begin
            execute format('alter table audit.%I enable trigger all', 'segment_' || to_char(now(), 'YYYY_MM'));
        end $$",
    );
    assert_eq!(remarks(&mut db), "(critical,seal_broken,\"segment 3\")");
}

#[test]
fn settings_of_a_role_or_database_that_silence_or_mislead_are_seen() {
    let (database, mut db) = orders();
    let name = database.name();
    run(
        &mut db,
        &format!(
            "alter database {name} set session_replication_role = replica; alter database {name} set audit.actor = 'everybody'"
        ),
    );
    assert_eq!(
        remarks(&mut db),
        format!(
            "(critical,triggers_bypassed,\"every role in database {name}\")\n(normal,context_preset,\"every role in database {name}\")"
        )
    );
    run(&mut db, &format!("alter database {name} reset all"));
    assert_eq!(remarks(&mut db), "");
}

#[test]
fn a_second_connection_is_looked_at_before_it_is_needed() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "create extension dblink; create server evidence foreign data wrapper dblink_fdw; grant usage on foreign server evidence to audit_owner; select audit.keep_rejections('evidence'); revoke usage on foreign server evidence from audit_owner",
    );
    const SEEN: &str = "select what, todo from audit.doctor() where remark = 'second_connection_broken' order by 1";
    insta::assert_snapshot!(show(&mut db, SEEN), @r#"
    ("audit_owner may not use it","grant usage on foreign server evidence to audit_owner")
    ("it has no connect_timeout, so a writer whose rows are refused could wait long","alter server evidence options (add connect_timeout '2')")
    ("it has no user mapping for the second connection","create user mapping for audit_owner server evidence options (user …, password …)")
    "#);
    run(
        &mut db,
        "grant usage on foreign server evidence to audit_owner; alter server evidence options (add connect_timeout '2'); create user mapping for audit_owner server evidence options (user 'x', password 'y')",
    );
    assert_eq!(show(&mut db, SEEN), "");
}

#[test]
fn what_belongs_to_the_whole_cluster_is_seen() {
    let server = Cluster::start(Options {
        settings: vec![("wal_level".to_owned(), "logical".to_owned())],
        ..Options::default()
    })
    .unwrap();
    let mut db = audit_schema::connect(&server.url("postgres")).unwrap();
    audit_schema::migrate(&mut db).unwrap();
    let all = &format!(
        "select severity, remark, object from audit.doctor() where remark = 'slot_idle' or not ({ELSEWHERE})"
    );
    assert_eq!(show(&mut db, all), "");
    run(&mut db, "alter system set autovacuum = off");
    run(
        &mut db,
        "alter role audit_owner login; select pg_reload_conf(); create role batch; alter role batch set session_replication_role = replica",
    );
    run(
        &mut db,
        "do $$ begin for i in 1..500 loop exit when current_setting('autovacuum') = 'off'; perform pg_sleep(0.01); end loop; end $$",
    );
    run(
        &mut db,
        "select pg_create_logical_replication_slot('forgotten', 'pgoutput')",
    );
    insta::assert_snapshot!(show(&mut db, all), @r#"
        (critical,owner_has_attributes,audit_owner)
        (critical,triggers_bypassed,"role batch")
        (normal,autovacuum_off,audit.change)
        (normal,slot_idle,"replication slot forgotten")
        "#);
    run(&mut db, "alter system reset autovacuum");
    run(
        &mut db,
        "alter role audit_owner nologin; select pg_reload_conf(); select pg_drop_replication_slot('forgotten'); drop role batch",
    );
    let mut again = audit_schema::connect(&server.url("postgres")).unwrap();
    run(
        &mut again,
        "do $$ begin for i in 1..500 loop exit when current_setting('autovacuum') = 'on'; perform pg_sleep(0.01); end loop; end $$",
    );
    assert_eq!(show(&mut again, all), "");
}

#[test]
fn a_reader_may_ask_the_doctor_and_nobody_else() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "drop trigger audit_update on orders; do $$ begin create role looker in role audit_reader; exception when duplicate_object then null; end $$; do $$ begin create role nobody_special; exception when duplicate_object then null; end $$; set role looker",
    );
    assert_eq!(remarks(&mut db), "(critical,trigger_missing,public.orders)");
    run(&mut db, "set role nobody_special");
    assert!(db.batch_execute("select from audit.doctor()").is_err());
}

#[test]
fn remarks_say_how_bad_what_and_what_to_do() {
    let (_database, mut db) = orders();
    rule(
        &mut db,
        r#"'noted', 'not_null', '{"column": "note"}', severity => 'low'"#,
    );
    run(&mut db, "alter table orders drop column note");
    let found = read(&mut db);
    assert_eq!(
        found,
        [Remark {
            severity: audit_core::Severity::Low,
            remark: "rule_broken".to_owned(),
            object: "public.orders.noted".to_owned(),
            what: "the rule can not be evaluated: column note does not exist".to_owned(),
            todo: "declare the rule anew, or undo the change and select audit.compile('public.orders')".to_owned(),
        }]
    );
    assert!(!found[0].is_wrong());
}
