# make demo    the whole pipeline on real data: watch, rules, summaries, alerts, mails, dashboard
# make test    everything that must hold before a change is merged
# make bench   how fast the write path is, as ratios; rewrites the figures of docs/PERFORMANCE.md
#              BENCH="--only bulk,single" for a part, BENCH=--help for all there is
# make storm   a million failing rows in a million statements, and the messages that tell of them; about two minutes
# make deliveries  10,000 messages, four notifiers, kills and a restart of the database; about a minute
# make latency how long after a commit its message is sent; LATENCY=500 for another number of commits
# make matrix  the tests of audit-schema on PostgreSQL 14 to 18
# make test-transparency  PostgreSQL's, pgbench's and Django's own tests, watched and unwatched; rewrites the results in
#              docs/TRANSPARENCY.md. PARTS="regress pgbench" for some of it
# make soak    16 writers, folding and readers on one summary for five minutes; SOAK=60 for another number of seconds
# make grafana-check  holds the dashboards of examples/grafana against the types that Grafana publishes for them; needs npm
# make mermaid-check  draws every Mermaid diagram of docs/generated with Mermaid in a headless Chromium; needs npm and chromium
# make fuzz    the readers of files on bytes that nobody wrote; FUZZ=seconds for each target
# make docs    docs/generated anew, from an installed database

CARGO := cargo
BENCH :=
PARTS :=
SOAK := 300
LATENCY := 200
FUZZ := 60
AUDIT := $(CARGO) run --quiet --locked --package audit-bin --bin audit --

.PHONY: demo demo-quick test check docs docs-check bench storm deliveries latency matrix soak fuzz test-transparency grafana-check mermaid-check deny setup setup-tests

demo: setup
	$(AUDIT) demo

demo-quick: setup
	$(AUDIT) demo --quick

test: setup-tests check
	$(CARGO) test --locked --workspace --all-features
	$(MAKE) --no-print-directory docs-check

check:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets --all-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --all-features --no-deps

docs: setup
	$(AUDIT) docs

docs-check: setup
	$(AUDIT) docs --check

bench: setup
	$(CARGO) run --locked --example bench -- $(BENCH)

storm: setup
	AUDIT_STORM=1000000 $(CARGO) test --locked --package audit-schema --all-features --test alert_storm

deliveries: setup
	AUDIT_DELIVERIES=10000 $(CARGO) test --locked --package audit-bin --all-features --test flood -- --nocapture

latency: setup
	$(CARGO) run --release --locked --package audit-notify --all-features --example latency -- $(LATENCY)

matrix: setup
	scripts/matrix/run

soak: setup
	SOAK_SECONDS=$(SOAK) $(CARGO) test --locked --package audit-schema --all-features --test summary_life sixteen

# Needs `cargo install cargo-fuzz`.
fuzz:
	FUZZ=$(FUZZ) fuzz/run

test-transparency: setup
	scripts/transparency/run $(PARTS)

grafana-check:
	scripts/grafana/check

mermaid-check:
	scripts/mermaid/check

# Needs `cargo install cargo-deny`.
deny:
	$(CARGO) deny check

setup:
	@scripts/setup

setup-tests:
	@scripts/setup tests
