drop table audit.volume_verdict;
drop table audit.time_rule_transition;
drop table audit.time_rule_state;
