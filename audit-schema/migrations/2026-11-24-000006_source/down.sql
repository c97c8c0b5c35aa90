alter default privileges for role audit_owner in schema audit, audit_compiled
    revoke select on tables from audit_reader, audit_operator, audit_admin;
alter default privileges for role audit_owner grant execute on functions to public;
drop table audit.source;
drop table audit.migration;
