drop table audit.rule_activity_base;
drop table audit.table_activity_base;
drop table audit.rule_counter_base;
drop table audit.table_counter_base;
drop table audit.progress;
