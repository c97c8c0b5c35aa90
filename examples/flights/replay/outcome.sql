-- What became of the row that the transaction $1 wrote: quarantined, restored, flagged or accepted.
select case
    when exists (
        select from audit.quarantine as held
        where held.xid = $1::xid8 and held.op = 'I'
    ) then 'quarantined'
    when exists (
        select from audit.quarantine as held
        where held.xid = $1::xid8 and held.op = 'U'
    ) then 'restored'
    when exists (
        select from audit.finding as finding
        where finding.xid = $1::xid8 and finding.new_failed > finding.old_failed
    ) then 'flagged'
    else 'accepted'
end as outcome;
