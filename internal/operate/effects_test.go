package operate_test

import (
	"strings"
	"testing"

	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/pkg/webhook"
)

func TestTryEffects(t *testing.T) {
	t.Parallel()
	hardBounce := `{"event_id":"e1","object_type":"email","metric":"bounced","timestamp":1755600006,"data":{"identifiers":{"id":"42"},"failure_message":"550 5.1.1"}}`
	policy := effect.Policy{Mode: effect.ModeUnsubscribe}
	trials, err := operate.TryEffects(policy, bodies(hardBounce, "nonsense", `{"event_id":"e2","metric":"sent"}`), now)
	if err == nil || !strings.HasPrefix(err.Error(), "event 2: ") {
		t.Errorf("error is %v, want one of event 2", err)
	}
	if len(trials) != 2 || trials[0].Line != 1 || trials[1].Line != 3 {
		t.Fatalf("trials: %+v", trials)
	}
	bounce := trials[0]
	if bounce.Class != webhook.BounceHard || bounce.Person != effect.ID || len(bounce.Rules) != 2 || len(bounce.Calls) != 1 || bounce.Calls[0].Attributes["unsubscribed"] != true {
		t.Errorf("bounce: %+v", bounce)
	}
	if sent := trials[1]; len(sent.Rules) != 0 || len(sent.Calls) != 0 || sent.Person != "" {
		t.Errorf("sent: %+v", sent)
	}
}
