-- What became of the row that this transaction has written: quarantined, restored, flagged or accepted.
select case
    when exists (
        select from audit.quarantine as held
        where held.xid = pg_current_xact_id() and held.op = 'I'
    ) then 'quarantined'
    when exists (
        select from audit.quarantine as held
        where held.xid = pg_current_xact_id() and held.op = 'U'
    ) then 'restored'
    when exists (
        select from audit.finding as finding
        where finding.xid = pg_current_xact_id() and finding.new_failed > finding.old_failed
    ) then 'flagged'
    else 'accepted'
end as outcome;
