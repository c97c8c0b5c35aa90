//! Great Expectations: suites.

use audit_core::import::{Options, Verdict, gx};
use audit_core::{Policy, RuleKind};
use insta::assert_snapshot;

use crate::shared::{covers, shown};

#[test]
fn every_expectation_has_a_verdict() {
    let imported = gx(
        include_str!("files/orders_suite.json"),
        "expectations/orders.json",
        &Options::default(),
    )
    .unwrap();
    covers(
        &imported,
        &[
            "expect_column_distinct_values_to_be_in_set",
            "expect_column_distinct_values_to_contain_set",
            "expect_column_distinct_values_to_equal_set",
            "expect_column_kl_divergence_to_be_less_than",
            "expect_column_max_to_be_between",
            "expect_column_mean_to_be_between",
            "expect_column_median_to_be_between",
            "expect_column_min_to_be_between",
            "expect_column_most_common_value_to_be_in_set",
            "expect_column_pair_values_a_to_be_greater_than_b",
            "expect_column_pair_values_to_be_equal",
            "expect_column_pair_values_to_be_in_set",
            "expect_column_proportion_of_unique_values_to_be_between",
            "expect_column_quantile_values_to_be_between",
            "expect_column_stdev_to_be_between",
            "expect_column_sum_to_be_between",
            "expect_column_to_exist",
            "expect_column_unique_value_count_to_be_between",
            "expect_column_value_lengths_to_be_between",
            "expect_column_value_lengths_to_equal",
            "expect_column_value_z_scores_to_be_less_than",
            "expect_column_values_to_be_between",
            "expect_column_values_to_be_in_set",
            "expect_column_values_to_be_in_type_list",
            "expect_column_values_to_be_null",
            "expect_column_values_to_be_of_type",
            "expect_column_values_to_be_unique",
            "expect_column_values_to_match_like_pattern",
            "expect_column_values_to_match_like_pattern_list",
            "expect_column_values_to_match_regex",
            "expect_column_values_to_match_regex_list",
            "expect_column_values_to_not_be_in_set",
            "expect_column_values_to_not_be_null",
            "expect_column_values_to_not_match_like_pattern",
            "expect_column_values_to_not_match_like_pattern_list",
            "expect_column_values_to_not_match_regex",
            "expect_column_values_to_not_match_regex_list",
            "expect_compound_columns_to_be_unique",
            "expect_multicolumn_sum_to_equal",
            "expect_select_column_values_to_be_unique_within_record",
            "expect_table_column_count_to_be_between",
            "expect_table_column_count_to_equal",
            "expect_table_columns_to_match_ordered_list",
            "expect_table_columns_to_match_set",
            "expect_table_row_count_to_be_between",
            "expect_table_row_count_to_equal",
            "expect_table_row_count_to_equal_other_table",
            "unexpected_rows_expectation",
        ],
    );
    assert_snapshot!(shown(&imported));
}

#[test]
fn an_old_suite_is_read_as_well() {
    let imported = gx(
        include_str!("files/old_suite.json"),
        "suite.json",
        &Options::default(),
    )
    .unwrap();
    assert_snapshot!(shown(&imported));
}

#[test]
fn a_suite_is_about_the_table_that_was_said() {
    let table_of = |name: &str, table: Option<&str>| {
        let text = format!(
            r#"{{ "name": "{name}", "expectations": [{{ "type": "expect_column_values_to_not_be_null", "kwargs": {{ "column": "id" }} }}] }}"#
        );
        let options = Options {
            table: table.map(str::to_owned),
            ..Options::default()
        };
        let imported = gx(&text, "suite.json", &options).unwrap();
        assert_eq!(imported.count(Verdict::Imported), 1);
        imported.tables[0].name.clone()
    };
    assert_eq!(table_of("anything", Some("shop.orders")), "shop.orders");
    assert_eq!(table_of("anything", Some("orders")), "public.orders");
    assert_eq!(table_of("orders_suite", None), "public.orders");
    assert_eq!(table_of("shop.orders.warning", None), "shop.orders");
    assert_eq!(table_of("My orders!", None), "public.my_orders");
}

#[test]
fn a_pattern_that_looks_like_a_variable_is_none() {
    let suite = r#"{"expectation_suite_name": "shop.orders", "expectations": [{
        "expectation_type": "expect_column_values_to_match_regex",
        "kwargs": {"column": "code", "regex": "^a${HOME}"},
        "meta": {"notes": "Not ${HOME}."}
    }]}"#;
    let imported = gx(suite, "orders.json", &Options::default()).unwrap();
    let policy = Policy::parse(&imported.fragment(), "orders.yml").unwrap();
    assert_eq!(
        policy.tables[0].rules[0].kind,
        RuleKind::Matches {
            column: "code".to_owned(),
            pattern: "^a${HOME}".to_owned()
        }
    );
}
