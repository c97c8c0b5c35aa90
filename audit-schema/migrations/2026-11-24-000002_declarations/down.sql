drop table audit.summary;
drop table audit.rule;
drop table audit.watched_table;
