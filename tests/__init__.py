"""The promises of leakguard, each a test whose name says it."""
