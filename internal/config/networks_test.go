package config_test

import (
	"strings"
	"testing"

	"github.com/cioevents/cioevents/internal/config"
)

func TestNetworks(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                "",
		"35.188.196.183":                  "35.188.196.183/32",
		"10.0.0.0/8, 2001:db8::/32,":      "10.0.0.0/8,2001:db8::/32",
		"2001:db8::1":                     "2001:db8::1/128",
		"0.0.0.0/0,::/0":                  "0.0.0.0/0,::/0",
		"35.188.196.183/32,10.1.0.0/16,,": "35.188.196.183/32,10.1.0.0/16",
	} {
		n := config.Networks{{}} // Set replaces the list
		if err := n.Set(text); err != nil || n.String() != want {
			t.Errorf("Set(%q) = %v, %s, want %s", text, err, n.String(), want)
		}
	}
	for _, text := range []string{"x", "10.0.0.0/33", "10.0.0.1/8", "10.0.0", "::ffff:10.0.0.0/104", "::ffff:10.0.0.1", "fe80::1%eth0", "10.0.0.0/8 10.1.0.0/16"} {
		var n config.Networks
		if err := n.Set(text); err == nil {
			t.Errorf("Set(%q) = %s, want an error", text, n.String())
		}
	}
}

// A secret is not printed after a flag with one dash or none.
func TestMistakesHoldNoSecret(t *testing.T) {
	t.Parallel()
	const hidden = "hidden"
	for _, args := range [][]string{
		{"-api-key=" + hidden},
		{"-api-key", hidden},
		{"api-key=" + hidden},
		{hidden},
		{"--api-key", "=", hidden},
		{"--api-keys=" + hidden},
		{"--=" + hidden},
		{"-" + hidden},
		{"API_KEY=" + hidden},
	} {
		var v settings
		err := v.set(nil).Parse(args)
		if err == nil {
			t.Errorf("%q is accepted", args)
			continue
		}
		if got := err.Error(); got == "" || strings.Contains(got, hidden) {
			t.Errorf("%q: %s", args, got)
		}
	}
	for _, args := range [][]string{{"--loops=x"}, {"--loops"}, {"--loop=2"}} { // these name the flag
		var v settings
		if err := v.set(nil).Parse(args); err == nil || !strings.Contains(err.Error(), "--loop") {
			t.Errorf("%q: %v", args, err)
		}
	}
}
