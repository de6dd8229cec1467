package fault_test

import (
	"errors"
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/fault"
)

var errBase = errors.New("base")

func TestPermanent(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("identify person: %w", fault.Permanent(fault.ReasonRejected, errBase))
	if got, ok := fault.PermanentReason(err); !ok || got != fault.ReasonRejected {
		t.Errorf("PermanentReason = %q, %v; want %q, true", got, ok, fault.ReasonRejected)
	}
	if !errors.Is(err, errBase) {
		t.Error("the cause is hidden")
	}
	if _, ok := fault.PermanentReason(errBase); ok {
		t.Error("a plain error counts as permanent")
	}
	if fault.Permanent(fault.ReasonRejected, nil) != nil {
		t.Error("Permanent(nil) is not nil")
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("identify person: %w", fault.RetryAfter(3*time.Second, errBase))
	if got, ok := fault.RetryWait(err); !ok || got != 3*time.Second {
		t.Errorf("RetryWait = %v, %v; want 3s, true", got, ok)
	}
	if _, ok := fault.PermanentReason(err); ok {
		t.Error("a retry-after fault counts as permanent")
	}
	if fault.RetryAfter(time.Second, nil) != nil {
		t.Error("RetryAfter(nil) is not nil")
	}
}

func TestOutage(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("identify person: %w", fault.Outage(3*time.Second, errBase))
	if wait, ok := fault.RetryWait(err); !fault.IsOutage(err) || !ok || wait != 3*time.Second || !errors.Is(err, errBase) {
		t.Errorf("IsOutage = %v, RetryWait = %v, %v; want true, 3s, true", fault.IsOutage(err), wait, ok)
	}
	if fault.IsOutage(errBase) || fault.IsOutage(fault.RetryAfter(time.Second, errBase)) {
		t.Error("another error counts as an outage")
	}
	if fault.Outage(time.Second, nil) != nil {
		t.Error("Outage(nil) is not nil")
	}
}

// A reason becomes a subject token and a metric label.
func TestReasonsAreTokens(t *testing.T) {
	t.Parallel()
	token := regexp.MustCompile(`^[a-z0-9_]+$`)
	seen := map[fault.Reason]bool{}
	for _, r := range fault.Reasons() {
		if !token.MatchString(string(r)) {
			t.Errorf("reason %q is not a plain token", r)
		}
		if seen[r] {
			t.Errorf("reason %q is listed twice", r)
		}
		seen[r] = true
	}
}
