drop table audit.quarantine_event;
drop table audit.quarantine;
drop table audit.finding;
drop table audit.segment;
drop table audit.change;
