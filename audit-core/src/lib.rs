//! The model: severities, rules, summaries, alerts, and the policy that declares them.
