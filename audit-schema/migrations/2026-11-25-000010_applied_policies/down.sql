drop table audit.applied_policy;
