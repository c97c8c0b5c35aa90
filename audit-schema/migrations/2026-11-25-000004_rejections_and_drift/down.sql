alter table audit.watched_table drop column captured_xid, drop column compiled, drop column shape;
drop table audit.schema_drift;
drop table audit.rejection;
drop table audit.setting;
