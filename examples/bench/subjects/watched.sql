select audit.watch('public.{table}');
