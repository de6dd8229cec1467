package audit_test

import (
	"strings"
	"testing"

	"github.com/cioevents/cioevents/internal/audit"
)

// The command of the advice runs as it stands: with several workspaces backfill needs the
// name of one.
func TestAdvice(t *testing.T) {
	t.Parallel()
	for workspace, want := range map[string]string{
		"default": "cioctl backfill --since 2025-09-01T09:00:00Z --until 2025-09-02T09:00:00Z",
		"acme":    "cioctl backfill --workspace acme --since 2025-09-01T09:00:00Z --until 2025-09-02T09:00:00Z",
	} {
		r := audit.Result{Workspace: workspace, Since: weekOne, Until: weekOne.AddDate(0, 0, 1), Missing: 1}
		if got := r.Advice(); !strings.HasSuffix(got, want) {
			t.Errorf("advice %q, want the end %q", got, want)
		}
	}
}
