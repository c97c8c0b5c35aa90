//! SodaCL.

use audit_core::import::{Options, sodacl};
use insta::assert_snapshot;

use crate::shared::shown;

#[test]
fn every_check_has_a_verdict() {
    let imported = sodacl(
        include_str!("files/shop_checks.yml"),
        "checks.yml",
        &Options::default(),
    )
    .unwrap();
    assert_snapshot!(shown(&imported));
}
