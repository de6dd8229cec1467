package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// heldSuppression is the reason of a suppression beyond SUPPRESSION_LIMIT.
const heldSuppression = "held_suppression"

// release counts the people whom bounces have deleted, and releases the held
// suppressions as an operator does. Afterwards the profiles are those of a run without
// a limit.
func (d *deployment) release(ctx context.Context, r *Report, bounced map[string]bool) error {
	r.Limit, r.Bounced = d.cfg.Limit, len(bounced)
	for _, p := range d.track.Profiles() {
		delete(bounced, p.CioID)
	}
	r.BouncedGone = len(bounced)
	if d.cfg.Limit == 0 {
		return nil
	}
	cmd := exec.CommandContext(ctx, filepath.Join(d.cfg.Dir, "cioctl"), "dead", "redrive", "--reason", heldSuppression, "--yes") //nolint:gosec // The folder is the test's.
	cmd.Env = append(os.Environ(), "NATS_URL="+d.cluster.url(operator))
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("release the held suppressions: %w: %s", err, strings.TrimSpace(string(out)))
	}
	_, err = d.drain(ctx)
	return err
}
