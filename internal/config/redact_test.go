package config_test

import (
	"testing"

	"github.com/cioevents/cioevents/internal/config"
)

func TestRedact(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"postgres://user:geheim@x/y":       "postgres://xxxxx@x/y",
		"postgres://user:ge/he@im@x/y":     "postgres://xxxxx@x/y",
		"postgres://user:geheim":           "postgres://user:xxxxx", // of user:geheim,part2@x
		"postgres://user:1geheim":          "postgres://user:xxxxx",
		"im@x/y":                           "xxxxx@x/y",
		"user:geheim@x":                    "xxxxx@x",
		"postgres://x/y?password=geheim&a": "postgres://x/y?password=xxxxx&a",
		"duckdb:md:db?motherduck_token=x":  "duckdb:md:db?motherduck_token=xxxxx",
		"http://127.0.0.1:8080/webhooks":   "http://127.0.0.1:8080/webhooks",
		"http://127.0.0.1:8080":            "http://127.0.0.1:8080",
		"duckdb:data/a.duckdb":             "duckdb:data/a.duckdb",
		"nonsense":                         "nonsense",
	} {
		if got := config.Redact(url); got != want {
			t.Errorf("Redact(%s) is %s, want %s", url, got, want)
		}
	}
}
