-- This file runs once for every table that is written to: `{table}`, or `:table` as psql has it, is its name.
create trigger peer_log after insert or update or delete on {table} for each row execute function peer.log_row();
