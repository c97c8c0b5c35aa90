-- What was left out is written to again, and the provider says so again.
drop table audit.dead_recipient;
