//! dbt: property files and manifests.

use audit_core::import::{Options, Verdict, dbt};
use audit_core::{RuleKind, Severity};
use insta::assert_snapshot;

use crate::shared::{covers, is_a_policy, shown};

#[test]
fn a_property_file_becomes_rules_that_say_where_they_are_from() {
    let imported = dbt(
        include_str!("files/shop_schema.yml"),
        "models/schema.yml",
        &Options::default(),
    )
    .unwrap();
    assert_snapshot!(shown(&imported));
}

#[test]
fn every_test_of_the_packages_has_a_verdict() {
    let imported = dbt(
        include_str!("files/dbt_every.yml"),
        "every.yml",
        &Options::default(),
    )
    .unwrap();
    covers(
        &imported,
        &[
            "accepted_range",
            "at_least_one",
            "cardinality_equality",
            "equal_rowcount",
            "equality",
            "expression_is_true",
            "fewer_rows_than",
            "mutually_exclusive_ranges",
            "not_accepted_values",
            "not_constant",
            "not_empty_string",
            "not_null_proportion",
            "recency",
            "relationships_where",
            "sequential_values",
            "unique_combination_of_columns",
            "expect_column_distinct_count_to_be_greater_than",
            "expect_column_distinct_count_to_be_less_than",
            "expect_column_distinct_count_to_equal",
            "expect_column_distinct_count_to_equal_other_table",
            "expect_column_distinct_values_to_be_in_set",
            "expect_column_distinct_values_to_contain_set",
            "expect_column_distinct_values_to_equal_set",
            "expect_column_max_to_be_between",
            "expect_column_mean_to_be_between",
            "expect_column_median_to_be_between",
            "expect_column_min_to_be_between",
            "expect_column_most_common_value_to_be_in_set",
            "expect_column_proportion_of_unique_values_to_be_between",
            "expect_column_quantile_values_to_be_between",
            "expect_column_stdev_to_be_between",
            "expect_column_sum_to_be_between",
            "expect_column_unique_value_count_to_be_between",
            "expect_column_values_to_be_between",
            "expect_column_values_to_be_decreasing",
            "expect_column_values_to_be_in_set",
            "expect_column_values_to_be_in_type_list",
            "expect_column_values_to_be_increasing",
            "expect_column_values_to_be_null",
            "expect_column_values_to_be_of_type",
            "expect_column_values_to_be_unique",
            "expect_column_values_to_have_consistent_casing",
            "expect_column_values_to_not_be_in_set",
            "expect_column_values_to_not_be_null",
            "expect_column_values_to_be_within_n_moving_stdevs",
            "expect_column_values_to_be_within_n_stdevs",
            "expect_row_values_to_have_data_for_every_n_datepart",
            "expect_column_pair_values_A_to_be_greater_than_B",
            "expect_column_pair_values_to_be_equal",
            "expect_column_pair_values_to_be_in_set",
            "expect_compound_columns_to_be_unique",
            "expect_multicolumn_sum_to_equal",
            "expect_select_column_values_to_be_unique_within_record",
            "expect_column_value_lengths_to_be_between",
            "expect_column_value_lengths_to_equal",
            "expect_column_values_to_match_like_pattern",
            "expect_column_values_to_match_like_pattern_list",
            "expect_column_values_to_match_regex",
            "expect_column_values_to_match_regex_list",
            "expect_column_values_to_not_match_like_pattern",
            "expect_column_values_to_not_match_like_pattern_list",
            "expect_column_values_to_not_match_regex",
            "expect_column_values_to_not_match_regex_list",
            "expect_column_to_exist",
            "expect_grouped_row_values_to_have_recent_data",
            "expect_row_values_to_have_recent_data",
            "expect_table_aggregation_to_equal_other_table",
            "expect_table_column_count_to_be_between",
            "expect_table_column_count_to_equal",
            "expect_table_column_count_to_equal_other_table",
            "expect_table_columns_to_contain_set",
            "expect_table_columns_to_match_ordered_list",
            "expect_table_columns_to_match_set",
            "expect_table_columns_to_not_contain_set",
            "expect_table_row_count_to_be_between",
            "expect_table_row_count_to_equal",
            "expect_table_row_count_to_equal_other_table",
            "expect_table_row_count_to_equal_other_table_times_factor",
        ],
    );
    assert_snapshot!(shown(&imported));
}

#[test]
fn a_manifest_knows_tables_owners_and_compiled_queries() {
    let imported = dbt(
        include_str!("files/shop_manifest.json"),
        "target/manifest.json",
        &Options::default(),
    )
    .unwrap();
    assert_snapshot!(shown(&imported));
}

#[test]
fn an_old_manifest_is_read_as_well() {
    let imported = dbt(
        include_str!("files/old_manifest.json"),
        "target/manifest.json",
        &Options::default(),
    )
    .unwrap();
    is_a_policy(&imported);
    let rules: Vec<(&str, Severity)> = imported.tables[0]
        .rules
        .iter()
        .map(|rule| (rule.name.as_str(), rule.severity))
        .collect();
    assert_eq!(
        rules,
        [
            ("not_null_id", Severity::Important),
            ("no_debts", Severity::Normal)
        ]
    );
    assert!(matches!(imported.tables[0].rules[1].kind, RuleKind::Sql(_)));
}

#[test]
fn tables_without_a_schema_are_in_the_one_that_was_said() {
    let options = Options {
        schema: "Shop Data".to_owned(),
        ..Options::default()
    };
    let imported = dbt(
        "models: [{name: Orders, data_tests: [{not_null: {column_name: id}}]}]",
        "schema.yml",
        &options,
    )
    .unwrap();
    assert_eq!(imported.tables[0].name, "\"Shop Data\".\"Orders\"");
    assert_eq!(imported.count(Verdict::Imported), 1);
}

#[test]
fn thresholds_become_alerts_and_a_single_row_matters_little() {
    let text = "models: [{name: orders, columns: [{name: id, data_tests: [{unique: {config: {error_if: '>100', warn_if: '> 10'}}}]}]}]";
    let imported = dbt(text, "schema.yml", &Options::default()).unwrap();
    is_a_policy(&imported);
    assert_eq!(imported.tables[0].rules[0].severity, Severity::Low);
    let alerts: Vec<(String, String)> = imported
        .alerts
        .iter()
        .map(|alert| (alert.when.clone(), alert.severity.to_string()))
        .collect();
    let of_rule = "\"table\" = 'public.orders' and rule = 'unique_id' and";
    assert_eq!(
        alerts,
        [
            (format!("{of_rule} failing > 100"), "important".to_owned()),
            (format!("{of_rule} failing > 10"), "normal".to_owned()),
        ]
    );
}

#[test]
fn the_same_test_twice_is_one_rule() {
    let text = "models: [{name: orders, columns: [{name: id, constraints: [{type: not_null}], tests: [not_null, {not_null: {severity: warn}}]}]}]";
    let imported = dbt(text, "schema.yml", &Options::default()).unwrap();
    assert_eq!(imported.count(Verdict::Imported), 3);
    assert_eq!(imported.tables[0].rules.len(), 1);
    assert_eq!(imported.tables[0].rules[0].severity, Severity::Important);
}
