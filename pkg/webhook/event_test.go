package webhook_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

func TestIsMachine(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]*bool{
		"email_opened_prefetched": new(true),
		"email_opened_human":      new(false),
		"email_opened_synthetic":  nil,
		"email_clicked_machine":   new(true),
		"email_clicked_human":     new(false),
		"email_bounced_hard":      nil,
	} {
		e := parse(t, string(webhooktest.Get(name)))
		if diff := cmp.Diff(want, e.IsMachine()); diff != "" {
			t.Errorf("IsMachine of %s differs (-want +got):\n%s", name, diff)
		}
	}
}
