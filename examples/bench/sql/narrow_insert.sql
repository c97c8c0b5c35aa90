insert into {table} (account, amount, at) select account, amount, at from narrow_source
