drop table audit.delivery_attempt;
drop table audit.outbox;
drop table audit.alert_transition;
drop table audit.alert;
drop table audit.route;
drop table audit.channel;
drop table audit.alert_policy;
