-- The roles stay: other databases of the cluster may use them.
drop schema audit_compiled cascade;
drop schema audit cascade;
