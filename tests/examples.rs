//! Every example runs, and says what it should.

use std::process::Command;

/// What an example prints. `cargo test` has built it next to this test; `cargo test --test examples` has not.
fn printed_by(example: &str) -> String {
    let test = std::env::current_exe().expect("this test is a file");
    let built = test
        .ancestors()
        .nth(2)
        .expect("tests are built in a folder of the target directory")
        .join("examples")
        .join(example);
    let mut command = if built.exists() {
        Command::new(built)
    } else {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["run", "--quiet", "--example", example]);
        cargo
    };
    let output = command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("the example starts");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{example} failed\n{printed}{errors}"
    );
    printed
}

#[test]
fn a_service_reads_what_was_found() {
    let printed = printed_by("embed_in_a_service");
    for expected in [
        "rejected: ",
        "important: 1 of 3 rows fail not_blank_customer (flag), written by alice@example.com",
        "set aside: order 3 because of range_amount",
        "public.orders: 2 rows, 1 of 3 rules fail",
    ] {
        assert!(
            printed.contains(expected),
            "`{expected}` is missing in\n{printed}"
        );
    }
}

#[test]
fn a_cron_job_delivers_once() {
    let printed = printed_by("notify_from_cron");
    assert!(printed.contains("delivered to desk: "), "{printed}");
    assert!(printed.ends_with("second run: 0 delivered\n"), "{printed}");
}

#[test]
fn a_service_draws_its_dashboard() {
    let printed = printed_by("dashboard_image");
    assert!(
        printed.contains("200 rows written, 28 failures now"),
        "{printed}"
    );
}
