-- Nothing of the pipeline depends on what was checked.
drop table audit.check_run;
