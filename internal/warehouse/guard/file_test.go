package guard_test

import (
	"strings"
	"testing"

	"github.com/cioevents/cioevents/internal/warehouse/guard"
)

// One error lists every mistake of a file, with its line and without the secret.
func TestMistakes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text, secret string
		want               []string
	}{
		{"all at once", `version: 2
key: {id: K 1, env: OTHER, more: x}
columns:
  nothing: hash
  campaign_id: drop
  payload: drop
  email_address: drop
  preferences: hash
  subject: maybe
  subject: drop
  recipient: hash
payload: strip
`, secret, []string{
			":1: version must be 1", `:2: unknown key "more" in key`, `:2: unknown key env "OTHER"; want PRIVACY_KEY`,
			`:4: unknown column "nothing"; want one of customer_id, email_address`, `:5: column "campaign_id" has no personal data`,
			":6: payload is not among columns", ":7: email_address cannot be dropped, because customerio_sent_after_optout needs it; want hash or keep",
			":8: preferences is a JSON document and cannot be hashed", `:9: unknown value "maybe" of subject; want one of keep, hash, drop`,
			`:10: duplicate key "subject"`, ":12: columns are hashed or dropped, and payload: strip keeps their values",
		}},
		{"failure messages", "version: 1\ncolumns: {failure_message: drop}\npayload: drop", secret, []string{"because customerio_bounces, customerio_mailbox_daily, customerio_message_health needs it"}},
		{"no version", "payload: drop", secret, []string{"version is missing"}},
		{"no key", "version: 1\ncolumns: {subject: hash}\npayload: drop", secret, []string{"the key is missing"}},
		{"no secret", "version: 1\nkey: {id: k1, env: PRIVACY_KEY}\ncolumns: {subject: hash}\npayload: drop", "", []string{"PRIVACY_KEY is not set"}},
		{"short secret", "version: 1\nkey: {id: k1, env: PRIVACY_KEY}\npayload: drop", "hunter2", []string{"7 bytes"}},
		{"half a key", "version: 1\nkey: {id: k1}\npayload: drop", secret, []string{"key needs id and env"}},
		{"payload kept", "version: 1\ncolumns: {subject: drop}", secret, []string{"payload: keep keeps their values"}},
		{"anchor", "version: 1\npayload: &a drop", secret, []string{"anchors"}},
		{"no YAML", "version: [", secret, []string{"invalid YAML"}},
	} {
		_, err := guard.ParsePolicy("privacy.yaml", []byte(c.text), c.secret)
		if err == nil {
			t.Errorf("%s: accepted", c.name)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: no %q in\n%v", c.name, want, err)
			}
		}
		if c.secret != "" && strings.Contains(err.Error(), c.secret) {
			t.Errorf("%s: the error tells the secret", c.name)
		}
	}
}
