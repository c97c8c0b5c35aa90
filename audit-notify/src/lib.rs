//! Delivers alerts: the tick loop, the outbox and the e-mail providers.
