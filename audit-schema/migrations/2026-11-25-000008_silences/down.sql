drop table audit.silence;
