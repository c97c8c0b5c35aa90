select sum(pg_total_relation_size(p.relid))::bigint from pg_partition_tree('audit.segment') p
