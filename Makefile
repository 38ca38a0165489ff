# The everyday commands. What they do stands in .ci/xtask; `cargo xtask --help` names it.

.PHONY: run check test long screenshots fix help

DEMO ?=

help:
	@echo "make run          build, and start the demo: a shop page with the chat, the agent console, the dashboard"
	@echo "make check        the everyday checks: format, lints, unit tests, house rules"
	@echo "make test         everything: also the real server, the load tests, a real browser"
	@echo "make long         what the stated figures need; takes hours"
	@echo "make screenshots  all pages in all states, into docs/screenshots"
	@echo "make fix          format, apply lints' suggestions, write generated files"

# DEMO="--listen 127.0.0.1:9000 --data /srv/demo" hands arguments on to `switchboard demo`.
run:
	@bash .ci/need cargo cc node npm
	@cargo build --release --package router
	@exec "$${CARGO_TARGET_DIR:-target}/release/switchboard" demo $(DEMO)

check:
	@bash .ci/need cargo cc git
	@cargo xtask check

test:
	@bash .ci/need cargo cc node npm git strace chromium redis-server openssl postfix dovecot dkim
	@cargo xtask verify

long:
	@bash .ci/need cargo cc c++ node npm git strace redis-server openssl postfix dovecot dkim
	@cargo xtask long

screenshots:
	@bash .ci/need cargo cc node npm chromium
	@cargo xtask screenshots

fix:
	@bash .ci/need cargo cc
	@cargo xtask fix
