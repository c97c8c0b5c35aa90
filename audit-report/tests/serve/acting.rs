//! What people who signed in do, and what everybody else can not.

use crate::live::{Served, TOKEN, run, shop, text};

#[test]
fn nobody_acts_on_a_page_without_a_token() {
    let (database, mut connection) = shop();
    let served = Served::read_only(&database);
    let alert = text(&mut connection, "select alert_id from audit.alert");
    assert!(!served.get("/").body.contains("Sign in"));
    for page in [format!("/alerts/{alert}/resolve"), "/sign-in".to_owned()] {
        assert_eq!(
            served
                .post(&page, "", &[("name", "Ada"), ("token", "")])
                .status,
            403,
            "{page}"
        );
    }
    assert_eq!(
        text(&mut connection, "select state from audit.alert"),
        "firing"
    );
}

#[test]
fn an_alert_is_taken_on_under_the_name_of_the_person() {
    let (database, mut connection) = shop();
    let served = Served::acting(&database);
    let (cookie, secret) = served.sign_in("Ada Lovelace");
    let alert = text(&mut connection, "select alert_id from audit.alert");
    let page = served.get_as(&format!("/alerts/{alert}"), &cookie).body;
    assert!(page.contains("Take it on"), "{page}");
    let done = served.post(
        &format!("/alerts/{alert}/acknowledge"),
        &cookie,
        &[("secret", &secret), ("reason", "I am on it")],
    );
    assert_eq!(done.status, 303, "{}", done.body);
    assert_eq!(
        done.header("location"),
        Some(format!("/alerts/{alert}?done=acknowledged").as_str())
    );
    assert_eq!(
        text(
            &mut connection,
            "select state || ' ' || acknowledged_by from audit.alert"
        ),
        "acknowledged Ada Lovelace"
    );
    assert_eq!(
        text(
            &mut connection,
            "select actor || ': ' || reason from audit.alert_transition order by alert_transition_id desc limit 1"
        ),
        "Ada Lovelace: I am on it"
    );
    for (verb, state) in [("snooze", "snoozed"), ("resolve", "resolved")] {
        let done = served.post(
            &format!("/alerts/{alert}/{verb}"),
            &cookie,
            &[("secret", &secret), ("for", "4"), ("reason", "")],
        );
        assert_eq!(done.status, 303, "{}", done.body);
        assert_eq!(
            text(&mut connection, "select state from audit.alert"),
            state
        );
    }
    // What is over can not be taken on.
    let late = served.post(
        &format!("/alerts/{alert}/acknowledge"),
        &cookie,
        &[("secret", &secret)],
    );
    assert_eq!(late.status, 409, "{}", late.body);
}

#[test]
fn a_row_is_edited_released_and_discarded_under_the_name_of_the_person() {
    let (database, mut connection) = shop();
    run(
        &mut connection,
        "insert into public.orders values (22, 'east', 2, null)",
    );
    let served = Served::acting(&database);
    let (cookie, secret) = served.sign_in("Grace");
    let id = |connection: &mut _, key: i32| {
        text(
            connection,
            &format!("select quarantine_id from audit.quarantine where key = '{key}'"),
        )
    };
    let (first, second) = (id(&mut connection, 21), id(&mut connection, 22));
    let refused = served.post(
        &format!("/quarantine/{first}/release"),
        &cookie,
        &[("secret", &secret)],
    );
    assert_eq!(refused.status, 409, "{}", refused.body);
    assert!(refused.body.contains("one_of_region"), "{}", refused.body);

    // What the form was filled with comes back with it, as a browser sends it.
    let page = served.get_as(&format!("/quarantine/{first}"), &cookie).body;
    assert!(page.contains("name=\"n3\" value=\"region\""), "{page}");
    let edited = served.post(
        &format!("/quarantine/{first}/edit"),
        &cookie,
        &[
            ("secret", &secret),
            ("n3", "region"),
            ("w3", "west"),
            ("f3", "south"),
            ("n2", "note"),
            ("w2", "lost"),
            ("f2", "lost"),
        ],
    );
    assert_eq!(
        edited.header("location"),
        Some(format!("/quarantine/{first}?done=edited").as_str()),
        "{}",
        edited.body
    );
    let released = served.post(
        &format!("/quarantine/{first}/release"),
        &cookie,
        &[("secret", &secret), ("reason", "checked")],
    );
    assert_eq!(released.status, 303, "{}", released.body);
    assert_eq!(
        text(
            &mut connection,
            "select region || ' ' || amount || ' ' || note from public.orders where id = 21"
        ),
        "south 1 lost"
    );

    let without = served.post(
        &format!("/quarantine/{second}/discard"),
        &cookie,
        &[("secret", &secret), ("reason", " ")],
    );
    assert_eq!(without.status, 409, "{}", without.body);
    let discarded = served.post(
        &format!("/quarantine/{second}/discard"),
        &cookie,
        &[("secret", &secret), ("reason", "a test")],
    );
    assert_eq!(discarded.status, 303, "{}", discarded.body);
    assert_eq!(
        text(
            &mut connection,
            "select string_agg(kind || ' by ' || actor, ', ' order by at) from audit.quarantine_event"
        ),
        "refused by Grace, edited by Grace, released by Grace, discarded by Grace"
    );
}

#[test]
fn a_form_needs_a_session_its_secret_and_this_page_as_its_origin() {
    let (database, mut connection) = shop();
    let served = Served::acting(&database);
    let (cookie, secret) = served.sign_in("Ada");
    let (_, other) = served.sign_in("Eve");
    let alert = text(&mut connection, "select alert_id from audit.alert");
    let page = format!("/alerts/{alert}/resolve");
    assert_eq!(served.post(&page, "", &[("secret", &secret)]).status, 403);
    assert_eq!(served.post(&page, &cookie, &[]).status, 403);
    assert_eq!(
        served.post(&page, &cookie, &[("secret", &other)]).status,
        403
    );
    assert_eq!(
        served
            .post(&page, "audit_session=guessed", &[("secret", &secret)])
            .status,
        403
    );
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let body = format!("secret={secret}");
    for origin in [
        "http://evil.example",
        "null",
        "",
        &format!("https://{}", served.address),
    ] {
        let answer = served.send(
            "POST",
            &page,
            &[("Cookie", &cookie), form, ("Origin", origin)],
            &body,
        );
        assert_eq!(answer.status, 403, "{origin}");
    }
    let origin = served.url("");
    let plain = served.send(
        "POST",
        &page,
        &[
            ("Cookie", &cookie),
            ("Origin", &origin),
            ("Content-Type", "text/plain"),
        ],
        &body,
    );
    assert_eq!(plain.status, 400);
    assert_eq!(
        text(&mut connection, "select state from audit.alert"),
        "firing"
    );
}

#[test]
fn a_session_ends_when_its_person_signs_out() {
    let (database, _connection) = shop();
    let served = Served::acting(&database);
    let (cookie, secret) = served.sign_in("Ada");
    assert!(served.get_as("/", &cookie).body.contains("Sign out"));
    assert_eq!(
        served
            .post("/sign-out", &cookie, &[("secret", &secret)])
            .status,
        303
    );
    assert!(!served.get_as("/", &cookie).body.contains("Sign out"));
}

#[test]
fn whoever_guesses_the_token_has_to_wait() {
    let (database, _connection) = shop();
    let served = Served::acting(&database);
    for _ in 0..5 {
        let answer = served.post("/sign-in", "", &[("name", "Eve"), ("token", "guess")]);
        assert_eq!(answer.status, 403);
        assert!(answer.header("set-cookie").is_none());
    }
    let answer = served.post("/sign-in", "", &[("name", "Eve"), ("token", TOKEN)]);
    assert_eq!(answer.status, 429);
    assert!(answer.header("retry-after").is_some());
}

#[test]
fn a_cookie_is_for_this_page_alone() {
    let (database, _connection) = shop();
    let served = Served::acting(&database);
    let answer = served.post("/sign-in", "", &[("name", "Ada"), ("token", TOKEN)]);
    let cookie = answer.header("set-cookie").unwrap();
    assert!(
        cookie.contains("HttpOnly")
            && cookie.contains("SameSite=Strict")
            && cookie.contains("Path=/"),
        "{cookie}"
    );
    assert!(!cookie.contains("Secure"), "{cookie}");

    let mut options = audit_report::serve::Options::new(database.url());
    options.token = Some(audit_core::SecretValue::new(TOKEN));
    options.public_url = Some("https://audit.example.com".into());
    let served = Served::with(options);
    let body = format!("name=Ada&token={}", crate::live::encode(TOKEN));
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let send = |origin| {
        served.send(
            "POST",
            "/sign-in",
            &[("Host", "audit.example.com"), ("Origin", origin), form],
            &body,
        )
    };
    assert_eq!(send("http://audit.example.com").status, 403);
    let answer = send("https://audit.example.com");
    assert!(
        answer.header("set-cookie").unwrap().ends_with("; Secure"),
        "{}",
        answer.head
    );
}

#[test]
fn a_role_that_may_only_read_lets_nobody_act() {
    let (database, mut connection) = shop();
    let role = format!("clerk_{}", database.name());
    run(
        &mut connection,
        &format!("create role {role} login in role audit_reader"),
    );
    let mut options =
        audit_report::serve::Options::new(database.url().replace("postgres@", &format!("{role}@")));
    options.token = Some(audit_core::SecretValue::new(TOKEN));
    let served = Served::with(options);
    let (cookie, secret) = served.sign_in("Ada");
    let alert = text(&mut connection, "select alert_id from audit.alert");
    assert!(
        served
            .get_as(&format!("/alerts/{alert}"), &cookie)
            .body
            .contains("it needs audit_operator")
    );
    let answer = served.post(
        &format!("/alerts/{alert}/resolve"),
        &cookie,
        &[("secret", &secret)],
    );
    assert_eq!(answer.status, 403);
    assert!(answer.body.contains("audit_operator"));
    drop(served);
    run(
        &mut connection,
        &format!("drop owned by {role}; drop role {role}"),
    );
}

#[test]
fn a_form_that_is_too_large_is_refused() {
    let (database, _connection) = shop();
    let served = Served::acting(&database);
    let (cookie, _) = served.sign_in("Ada");
    let large = "x".repeat(2 << 20);
    let answer = served.post("/sign-out", &cookie, &[("secret", &large)]);
    // The server may end the connection before everything was sent.
    assert!(matches!(answer.status, 413 | 0), "{}", answer.status);
}
