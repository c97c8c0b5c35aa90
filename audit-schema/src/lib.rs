//! PostgreSQL: migrations, triggers and functions, and typed access to them.
