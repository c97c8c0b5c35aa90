-- Says on whose behalf this transaction writes, for which request, and when what it writes really happened.
select audit.set_context(actor => $1, request_id => $2, occurred_at => $3);
